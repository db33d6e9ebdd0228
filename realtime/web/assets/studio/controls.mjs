// What the host says to everybody: announcements and markers.

import { arrange, el } from '../room/element.mjs';
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
