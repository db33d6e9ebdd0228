// Naming somebody in a message: after an @ the names that one has seen are offered, by
// the keyboard as well. What counts is who is meant, not how the name is spelt.

import { el } from './element.mjs';
import { many } from './room-words.mjs';

/** So many names are offered at once. */
const OFFERED = 6;
/** So many people can be named in a message: the protocol's limit. */
const MOST = 5;

const fold = (text) => text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();

/** asked is what stands between an @ and the caret, null if no name is begun there. */
export function asked(text, caret) {
  const found = /(?:^|[\s(])@([^@\n]{0,40})$/u.exec(text.slice(0, caret));
  return found === null ? null : found[1];
}

/** offer lists [id, name] of those whose name, or a word of it, begins like that, the last seen first. */
export function offer(names, begun) {
  const want = fold(begun);
  return [...names].reverse()
    .filter(([, name]) => fold(name).startsWith(want) || fold(name).split(/\s+/).some((word) => word.startsWith(want)))
    .slice(0, OFFERED);
}

/**
 * mentions offers names below a text field; it has to be made before others listen to
 * the keys of the field. names is () => Map of id to name, the last seen last.
 */
export function mentions(field, names, speaker) {
  const list = el('ul', { id: 'mention-list', class: 'mention-list', role: 'listbox', 'aria-label': 'People', hidden: true });
  field.after(list);
  field.setAttribute('aria-autocomplete', 'list');
  field.setAttribute('aria-controls', list.id);
  const chosen = new Map(); // id -> name
  let offered = [];
  let at = 0;

  function close() {
    offered = [];
    list.hidden = true;
    list.replaceChildren();
    field.removeAttribute('aria-activedescendant');
  }

  function look() {
    const begun = field.selectionStart === field.selectionEnd ? asked(field.value, field.selectionStart) : null;
    const next = begun === null ? [] : offer(names(), begun);
    if (next.length === 0) {
      close();
      return;
    }
    if (JSON.stringify(next) === JSON.stringify(offered)) {
      return;
    }
    if (offered.length === 0) {
      speaker.say(`${many(next.length, 'name')}. Choose with the arrow keys and Enter.`);
    }
    offered = next;
    at = 0;
    list.replaceChildren(...offered.map(([, name], i) => el('li', {
      id: `mention-${i}`, role: 'option', dir: 'auto', text: name,
      onpointerdown: (event) => event.preventDefault(), // the field keeps the focus
      onclick: () => take(i),
    })));
    list.hidden = false;
    mark();
  }

  function mark() {
    [...list.children].forEach((item, i) => item.setAttribute('aria-selected', String(i === at)));
    field.setAttribute('aria-activedescendant', `mention-${at}`);
    list.children[at].scrollIntoView({ block: 'nearest' });
  }

  function take(i) {
    const [id, name] = offered[i];
    const caret = field.selectionStart;
    const from = caret - asked(field.value, caret).length;
    chosen.set(id, name);
    close();
    field.setRangeText(`${name} `, from, caret, 'end');
    field.dispatchEvent(new Event('input', { bubbles: true }));
  }

  field.addEventListener('input', look);
  field.addEventListener('click', look);
  field.addEventListener('blur', close);
  field.addEventListener('keydown', (event) => {
    if (list.hidden || event.isComposing) {
      return;
    }
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined) {
      at = (at + step + offered.length) % offered.length;
      mark();
    } else if ((event.key === 'Enter' && !event.shiftKey) || (event.key === 'Tab' && !event.shiftKey)) {
      take(at);
    } else if (event.key === 'Escape') {
      close();
    } else {
      return;
    }
    event.preventDefault();
    event.stopImmediatePropagation();
  });

  return {
    /** take returns the ids of those whom the text names, and forgets them. */
    take(text, first = null) {
      const ids = [...chosen].filter(([, name]) => text.includes(`@${name}`)).map(([id]) => id);
      chosen.clear();
      return [...new Set(first === null ? ids : [first, ...ids])].slice(0, MOST);
    },
  };
}
