// How the pace is.

import { el, icon, write } from '../room/element.mjs';
import { REACTIONS } from '../room/room-words.mjs';

/** gauge shows the pulse and the last reactions. */
export function gauge(session) {
  const list = document.getElementById('gauge');
  const reacted = document.getElementById('reacted');
  const rows = Object.entries({ fast: 'Too fast', lost: 'Lost', ok: 'All good' }).map(([kind, name]) => {
    const number = el('span', { class: 'number' });
    const row = el('li', { class: `bar-row kind-${kind}` }, el('span', { text: name }), number, el('span', { class: 'track', 'aria-hidden': 'true' }, el('span', { class: 'fill' })));
    return { kind, number, row };
  });
  list.append(...rows.map(({ row }) => row));
  let timer = 0;

  function render() {
    const { pulse, presence } = session.room;
    const all = Math.max(presence.participants, 1);
    for (const { kind, number, row } of rows) {
      const n = pulse[kind] ?? 0;
      row.style.setProperty('--share', `${Math.min(100, Math.round((100 * n) / all))}%`);
      write(number, n > 0 ? String(n) : 'under 5');
    }
  }
  session.state.onChange((topic, detail) => {
    if (topic === 'pulse' || topic === 'presence' || topic === 'all') {
      render();
    }
    if (topic === 'reactions') {
      const kinds = Object.entries(detail).filter(([kind]) => Object.hasOwn(REACTIONS, kind));
      reacted.hidden = kinds.length === 0;
      reacted.replaceChildren(...kinds.map(([kind, n]) => el('span', { class: 'still' }, icon(`r-${kind}`), el('span', { class: 'unseen', text: `${REACTIONS[kind]}: ` }), String(n))));
      clearTimeout(timer);
      timer = setTimeout(() => { reacted.hidden = true; }, 5000);
    }
  });
}
