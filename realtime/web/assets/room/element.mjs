// Makes elements. Texts are texts: nothing here ever becomes markup.

/**
 * el makes an element. Properties that begin with "on" are listeners, those with a
 * dash are attributes, "class" and "for" mean what they mean in HTML; null and false
 * leave one out.
 */
export function el(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) {
      continue;
    }
    if (name.startsWith('on')) {
      element.addEventListener(name.slice(2), value);
    } else if (name === 'class') {
      element.className = value;
    } else if (name === 'text') {
      element.textContent = value;
    } else if (name.includes('-') || name === 'role' || name === 'for') {
      element.setAttribute(name, value === true ? 'true' : value);
    } else {
      element[name] = value;
    }
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

const SVG = 'http://www.w3.org/2000/svg';

/** icon shows a symbol of the page. */
export function icon(id) {
  const svg = document.createElementNS(SVG, 'svg');
  const use = document.createElementNS(SVG, 'use');
  use.setAttribute('href', `#${id}`);
  svg.setAttribute('aria-hidden', 'true');
  svg.append(use);
  return svg;
}

/** iconButton is a button with a picture for a face; its name is also its tooltip. */
export function iconButton(id, name, onclick, properties = {}) {
  return el('button', { type: 'button', class: 'tool', 'aria-label': name, title: name, onclick, ...properties }, icon(id));
}

/** write changes a text only if it differs, so that nothing is selected or read anew. */
export function write(element, text) {
  if (element.textContent !== text) {
    element.textContent = text;
  }
}

/** arrange makes the children of parent these, in this order, moving no more than it must. */
export function arrange(parent, children) {
  const wanted = new Set(children);
  for (const child of [...parent.children]) {
    if (!wanted.has(child)) {
      child.remove();
    }
  }
  let at = parent.firstElementChild;
  for (const child of children) {
    if (child === at) {
      at = at.nextElementSibling;
    } else {
      parent.insertBefore(child, at);
    }
  }
}

/** soon calls fn once, a moment after the first of many reasons. */
export function soon(fn, ms = 100) {
  let timer = 0;
  return () => {
    if (timer === 0) {
      timer = setTimeout(() => {
        timer = 0;
        fn();
      }, ms);
    }
  };
}
