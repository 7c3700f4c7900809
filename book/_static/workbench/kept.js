// What was done in all chapters, in the browser's own storage: {chapter: {name: {typed, solved}}}.
const KEY = "lossnotes-practice";
let memory = {}; // where the browser keeps nothing
export const all = () => {
  try {
    return JSON.parse(localStorage.getItem(KEY)) ?? memory;
  } catch {
    return memory;
  }
};
export const keep = done => {
  memory = done;
  try {
    localStorage.setItem(KEY, JSON.stringify(done));
    return true;
  } catch {
    return false;
  }
};

// The claim that was typed last is kept there, too. A tab begins with its own, or else with that of
// another tab, until all is forgotten.
const CLAIM = "lossnotes-claim";
export const keptClaim = () => {
  const claim = all().workbench?.claim;
  try {
    return claim && (sessionStorage.getItem(CLAIM) ?? claim.typed);
  } catch {
    return claim?.typed;
  }
};
export const keepClaim = typed => {
  if (keep({ ...all(), workbench: { claim: { typed } } })) sessionStorage.setItem(CLAIM, typed);
};
