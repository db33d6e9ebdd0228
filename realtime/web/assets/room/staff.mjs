// What hosts and moderators have more than others, on either page: who wants the word,
// who is restricted, and who may write.

import { arrange, el, write } from './element.mjs';
import { clockTime, lasting, many, refusal } from './room-words.mjs';

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
    if (count > before && session.may('triage')) {
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

/** kinds says how somebody is restricted. */
const kinds = (p) => [p.muted && 'muted', p.shadow && 'hidden from others', p.banned && 'excluded'].filter(Boolean).join(', ');

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
      el('span', { class: 'time', text: [kinds(p), p.until ? `until ${clockTime(p.until)}` : '', p.reason].filter(Boolean).join(', ') }),
      p.muted && lift(id, 'unmute', 'Unmute'), p.shadow && lift(id, 'unshadow', 'Show to others'), p.banned && lift(id, 'unban', 'Let back in'))));
  });
}

const CHAT = { open: 'everybody', hosts: 'hosts only', questions: 'questions only', off: 'nobody' };

/** settings shows and changes those of the room. */
export function settings(session, speaker) {
  const part = (name) => document.getElementById(`set-${name}`);
  const now = document.getElementById('settings-now');
  const words = part('words');
  /** Moderators have the first two, see RoomSet.Needs. */
  const ALL = ['names', 'links', 'locked', 'paused', 'words'];

  const set = (data) => session.send('room.set', data).then(() => speaker.say('Set.'), (error) => {
    speaker.say(refusal(error));
    show();
  });
  part('chat').addEventListener('change', () => set({ chat: part('chat').value }));
  part('slow').addEventListener('change', () => set({ slow_mode_s: Number(part('slow').value) }));
  part('names').addEventListener('change', () => set({ names: part('names').value }));
  for (const name of ['links', 'locked', 'paused']) {
    part(name).addEventListener('change', () => set({ [name]: part(name).checked }));
  }
  part('words-form').addEventListener('submit', (event) => {
    event.preventDefault();
    set({ words: [...new Set(words.value.split(',').map((word) => word.trim()).filter(Boolean))] });
  });

  function show() {
    const s = session.room.settings;
    document.getElementById('settings').hidden = !session.may('moderate');
    for (const name of ALL) {
      part(name).closest('label, form').hidden = !session.may('room');
    }
    part('chat').value = s.chat;
    const slow = part('slow');
    const seconds = String(s.slow_mode_s ?? 0);
    if (![...slow.options].some((o) => o.value === seconds)) {
      slow.append(el('option', { value: seconds, text: `${seconds} s` }));
    }
    slow.value = seconds;
    part('names').value = s.names;
    for (const name of ['links', 'locked', 'paused']) {
      part(name).checked = Boolean(s[name]);
    }
    if (document.activeElement !== words) {
      words.value = (s.words ?? []).join(', ');
    }
    write(now, s.paused ? 'nobody, all is paused' : `${CHAT[s.chat]}${s.slow_mode_s ? `, every ${seconds} s` : ''}${s.locked ? ', locked' : ''}`);
    document.getElementById('settings').classList.toggle('unusual', Boolean(s.paused) || s.chat !== 'open' || Boolean(s.locked));
  }
  session.state.onChange((topic) => {
    if (topic === 'settings' || topic === 'all') {
      show();
    }
  });
}
