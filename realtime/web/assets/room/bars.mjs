// What stands above the room: announcements, how the connection is, and that it closes.

import { announcementsToShow } from './cues.mjs';
import { arrange, el, icon, iconButton, write } from './element.mjs';
import { plain } from './plain.mjs';
import { closingWord, mayComeBack, refusal, stateWord } from './room-words.mjs';
import { PATIENCE_MS } from './session.mjs';

/** announcements shows those that stand now; call what it returns now and then. */
export function announcements(session, speaker) {
  const list = document.getElementById('announcements');
  const rows = new Map();
  let said = null;

  return function render() {
    const now = announcementsToShow(session.room.announcements, session.media());
    for (const id of rows.keys()) {
      if (!now.some((a) => a.id === id)) {
        rows.delete(id);
      }
    }
    const staff = session.may('announce');
    arrange(list, now.map((a) => {
      if (!rows.has(a.id)) {
        rows.set(a.id, el('li', { class: 'announcement' }, icon('i-announce'), el('p', { dir: 'auto' }, ...plain(a.text)),
          staff && iconButton('i-close', 'Take down the announcement', () => session.send('announce.clear', { announcement: a.id }).catch((error) => speaker.say(refusal(error))))));
      }
      return rows.get(a.id);
    }));
    list.hidden = now.length === 0;
    for (const a of now) {
      if (said !== null && !said.has(a.id)) {
        speaker.say(`Announcement: ${a.text}`);
      }
    }
    if (session.room.me !== null) {
      said = new Set(now.map((a) => a.id));
    }
  };
}

/** closing says, when the class has ended, how long its room stays open. */
export function closing(session, speaker) {
  const line = document.getElementById('room-closing');
  let said = '';
  const show = () => {
    const text = session.standing.name === 'over' ? '' : closingWord(session.room.openUntil);
    line.hidden = text === '';
    if (text === said) {
      return;
    }
    said = text;
    line.replaceChildren(text, session.may('room') ? el('button', {
      type: 'button', class: 'quiet', text: 'Close the room now',
      onclick: () => session.send('room.close', {}).catch((error) => speaker.say(refusal(error))),
    }) : '');
    if (text !== '') {
      speaker.say(text);
    }
  };
  session.state.onChange((topic) => {
    if (topic === 'closing' || topic === 'all') {
      show();
    }
  });
}

/** connection says how it is when it is not well. */
export function connection(session, speaker, element) {
  let timer = 0;
  session.onStanding((standing) => {
    clearTimeout(timer);
    const text = stateWord(standing);
    if (standing.name === 'open') {
      if (!element.hidden && element.dataset.lost) {
        speaker.say('The room is back.');
      }
      element.hidden = true;
      delete element.dataset.lost;
      return;
    }
    const show = () => {
      if (standing.name === 'connecting' && element.dataset.lost) {
        return; // it says already that it was lost
      }
      write(element, text);
      if (standing.name !== 'connecting') {
        element.dataset.lost = 'yes';
      }
      if (standing.name === 'over' && mayComeBack(standing.reason)) {
        element.append(' ', el('button', { type: 'button', class: 'quiet', text: 'Come back', onclick: () => session.rejoin() }));
      }
      element.hidden = false;
      if (standing.name === 'over') {
        speaker.say(text);
      }
    };
    if (standing.name === 'over') {
      show();
    } else {
      timer = setTimeout(show, PATIENCE_MS);
    }
  });
}
