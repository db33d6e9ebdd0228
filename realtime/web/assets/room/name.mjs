// What somebody wants to be called. It is asked for when it is first needed, and kept
// for the other classes.

import { el } from './element.mjs';
import { kept } from './session.mjs';

/** createName asks by a dialog. change is called when there is another name. */
export function createName(change) {
  const store = kept(() => localStorage, 'lectern.name');
  let asked = store.read() !== null;

  /** ask resolves to whether somebody has answered. */
  function ask() {
    return new Promise((resolve) => {
      const input = el('input', { id: 'name', maxLength: 40, autocomplete: 'name', value: store.read() ?? '', dir: 'auto' });
      const dialog = el('dialog', { class: 'name-dialog', 'aria-labelledby': 'name-title' },
        el('form', { method: 'dialog' },
          el('h2', { id: 'name-title', text: 'Your name' }),
          el('label', { for: 'name', text: 'How others see you here. Leave it empty to stay a guest.' }), input,
          el('div', { class: 'editor-foot' },
            el('button', { class: 'chip main', type: 'submit', value: 'ok', text: 'Go on' }), el('button', { class: 'quiet', type: 'button', text: 'Cancel', onclick: () => dialog.close('') }))));
      dialog.addEventListener('close', () => {
        dialog.remove();
        if (dialog.returnValue !== 'ok') {
          resolve(false);
          return;
        }
        const name = input.value.trim();
        const changed = name !== (store.read() ?? '');
        store.write(name);
        asked = true;
        if (changed) {
          change();
        }
        resolve(true);
      });
      document.body.append(dialog);
      dialog.showModal();
      input.select();
    });
  }

  return {
    read: () => store.read() ?? '',
    ask,
    /** wanted asks the first time. */
    wanted: async (anonymous) => anonymous || asked || ask(),
  };
}
