// Who wants the word, how the pace is, and who is restricted.

import { arrange, el, icon, write } from '../room/element.mjs';
import { clockTime, lasting, many, REACTIONS, refusal } from '../room/room-words.mjs';

const WORD_MS = 120000;

/** hands shows the queue. */
export function hands(session, speaker) {
  const { room, state } = session;
  const list = document.getElementById('queue');
  const empty = document.getElementById('queue-empty');
  const speaking = document.getElementById('speaking');
  const rows = new Map();
  let before = 0;

  const act = (type, data, done) => session.send(type, data).then(() => speaker.say(done), (error) => speaker.say(refusal(error)));

  function render() {
    const { queue, count } = room.hands;
    for (const id of rows.keys()) {
      if (!queue.some((h) => h.participant === id)) {
        rows.delete(id);
      }
    }
    const focused = list.contains(document.activeElement);
    arrange(list, queue.map((h) => {
      if (!rows.has(h.participant)) {
        rows.set(h.participant, el('li', { class: 'queued' }, el('bdi', { class: 'author', text: h.name || 'Guest' }), el('span', { class: 'time waited' }),
          el('button', { type: 'button', class: 'chip small main', text: 'Give the word', onclick: () => act('hand.call', { participant: h.participant }, `${h.name || 'Guest'} has the word.`) }),
          el('button', { type: 'button', class: 'chip small', text: 'Lower', 'aria-label': `Lower the hand of ${h.name || 'Guest'}`, onclick: () => act('hand.lower', { participant: h.participant }, 'Lowered.') })));
      }
      const row = rows.get(h.participant);
      row.dataset.since = String(h.ts);
      return row;
    }));
    if (focused && !list.contains(document.activeElement)) {
      (list.querySelector('button') ?? list.closest('.question-box')).focus({ preventScroll: true });
    }
    empty.hidden = count > 0;
    if (count > before) {
      speaker.say(`${many(count, 'hand')} up.`);
    }
    before = count;
    tick();
  }

  function tick() {
    const now = session.media().now;
    for (const row of list.children) {
      write(row.querySelector('.waited'), lasting(Math.max(0, now - Number(row.dataset.since))));
    }
    const called = room.called !== null && now - room.called.ts < WORD_MS;
    speaking.hidden = !called;
    write(speaking, called ? `${room.called.name || 'Guest'} has the word.` : '');
  }
  setInterval(tick, 1000);
  state.onChange((topic) => {
    if (topic === 'hands' || topic === 'all') {
      render();
    }
  });
}

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

/** restricted lists whom moderators have muted, hidden or excluded, to take it back. */
export function restricted(session, speaker) {
  const box = document.getElementById('restricted');
  const list = document.getElementById('restricted-list');
  session.state.onChange((topic) => {
    if (topic !== 'people' && topic !== 'all') {
      return;
    }
    const now = [...session.room.people.entries()].filter(([, p]) => p.muted || p.shadow || p.banned);
    box.hidden = now.length === 0;
    const lift = (participant, action, text) => el('button', { type: 'button', class: 'chip small', text, onclick: () => session.send('moderate', { participant, action }).then(() => speaker.say('Lifted.'), (error) => speaker.say(refusal(error))) });
    list.replaceChildren(...now.map(([id, p]) => el('li', { class: 'queued' }, el('bdi', { class: 'author', text: p.name || 'Guest' }),
      el('span', { class: 'time', text: p.until ? `until ${clockTime(p.until)}` : '' }),
      p.muted && lift(id, 'unmute', 'Unmute'), p.shadow && lift(id, 'unshadow', 'Show to others'), p.banned && lift(id, 'unban', 'Let back in'))));
  });
}
