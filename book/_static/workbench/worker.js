// Python in a thread of its own: it wakes once, and then answers one question after the other.
import { loadPyodide } from "../python/pyodide.mjs";

const folder = new URL("../python/", import.meta.url).href;
const packed = ["sympy.zip", "lossnotes.zip"];
const say = said => postMessage({ said });

const bring = async name => {
  const response = await fetch(folder + name);
  if (!response.ok) throw Error(`${name} is not there`);
  return new Uint8Array(await response.arrayBuffer());
};

// Pyodide only warns where its WebAssembly does not come, and would be waited for in vain.
const missing = new Promise((_, fail) => {
  const instantiate = WebAssembly.instantiateStreaming;
  WebAssembly.instantiateStreaming = (...given) =>
    instantiate.apply(WebAssembly, given).catch(error => { fail(error); throw error; });
});

const wake = async () => {
  say("Loading Python …");
  const coming = Promise.all([loadPyodide({ indexURL: folder }), ...packed.map(bring)]);
  const [python, ...files] = await Promise.race([coming, missing]);
  for (const [number, name] of packed.entries()) python.FS.writeFile(`/${name}`, files[number]);
  python.setStdin({ error: true }); // no keyboard; by itself Pyodide complains in the console
  say("Starting SymPy …");
  const answer = python.runPython(`
    import sys
    sys.path[:0] = ["/sympy.zip", "/lossnotes.zip"]
    from lossnotes.workbench import Page
    Page().answer
  `);
  return { python, answer };
};

// What the builder has laid beside Python, which only cells and functions need: NumPy, or nothing.
const needsNumPy = (question, [first]) =>
  question === "run" || question === "checked" && JSON.parse(first).kind === "function";
let brought;
const bringNumPy = python => brought ??= (async () => {
  const [name] = Object.keys(python.lockfile.packages);
  if (!name) return;
  say("Loading NumPy …");
  await python.loadPackage(name, { messageCallback() {}, errorCallback() {} })
    .catch(() => say("NumPy did not come: what needs it stays as printed."));
})();

const awake = wake();
awake.then(() => postMessage({ awake: true }), error => postMessage({ fails: String(error) }));

onmessage = async ({ data: { id, question, given } }) => {
  try {
    const { python, answer } = await awake;
    if (needsNumPy(question, given)) await bringNumPy(python);
    postMessage({ id, answer: JSON.parse(answer(question, ...given)) });
  } catch (error) {
    if (error?.name === "PythonError") postMessage({ id, error: error.message.trim().split("\n").pop() });
    else postMessage({ broke: true }); // what lies below Python, which may be left in any state
  }
};
