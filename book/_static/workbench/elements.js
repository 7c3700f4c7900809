// Elements of a page, made in one line.
export const make = (tag, properties = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties))
    if (name in element && name !== "autocorrect") element[name] = value; // a boolean there, "off" is true
    else element.setAttribute(name, value);
  element.append(...children);
  return element;
};

export const button = (text, onclick) => make("button", { type: "button", textContent: text, onclick });
