// What the host says to everybody, and who may write: announcements, markers, settings.

import { arrange, el, write } from '../room/element.mjs';
import { clockTime, refusal } from '../room/room-words.mjs';

/** sayings are announcements and markers. */
export function sayings(session, speaker) {
  const submit = (form, fn) => document.getElementById(form).addEventListener('submit', (event) => {
    event.preventDefault();
    fn();
  });
  const text = document.getElementById('announce-text');
  const length = document.getElementById('announce-for');
  const marker = document.getElementById('marker-text');
  const markers = document.getElementById('markers');
  const rows = new Map();

  async function send(type, data, input, done) {
    try {
      await session.send(type, data);
      input.value = '';
      speaker.say(done);
    } catch (error) {
      speaker.say(refusal(error));
      input.setCustomValidity(refusal(error));
      input.reportValidity();
      setTimeout(() => input.setCustomValidity(''), 4000);
    }
  }
  submit('announcer', () => {
    const words = text.value.trim();
    const s = Number(length.value);
    if (words !== '') {
      send('announce', s > 0 ? { text: words, until: Math.round(session.media().now + s * 1000) } : { text: words }, text, 'Announced.');
    }
  });
  submit('marking', () => {
    if (marker.value.trim() !== '') {
      send('marker', { title: marker.value.trim() }, marker, 'Marked.');
    }
  });
  session.state.onChange((topic) => {
    if (topic === 'markers' || topic === 'all') {
      const list = session.room.markers.slice(-5).reverse();
      markers.hidden = list.length === 0;
      arrange(markers, list.map((m) => {
        if (!rows.has(m.id)) {
          rows.set(m.id, el('li', {}, m.at ? el('time', { class: 'time', text: clockTime(m.at) }) : null, ' ', el('span', { dir: 'auto', text: m.title })));
        }
        return rows.get(m.id);
      }));
    }
  });
}

const CHAT = { open: 'everybody', hosts: 'hosts only', questions: 'questions only', off: 'nobody' };

/** settings shows and changes those of the room. */
export function settings(session, speaker) {
  const part = (name) => document.getElementById(`set-${name}`);
  const now = document.getElementById('settings-now');
  const words = part('words');

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
