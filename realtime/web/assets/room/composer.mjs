// Where one writes in the chat. What was sent is in the list at once, and marked until
// the server has it; what was refused can be sent again.

import { el, icon, iconButton, write } from './element.mjs';
import { mentions } from './mentions.mjs';
import { closedWord, length, nameOf, refusal } from './room-words.mjs';
import { newId } from './socket.mjs';

/** How often it is looked whether one may write again. */
const TICK_MS = 500;

/**
 * createComposer handles the form below the list.
 *
 * @param session see session.mjs
 * @param speaker see voice.mjs
 * @param named   asks for a name if one is wanted: async () => boolean
 * @param toEnd   shows the end of the list
 */
export function createComposer(session, speaker, named, toEnd) {
  const { state, room } = session;
  const form = document.getElementById('composer');
  const text = document.getElementById('chat-text');
  const send = document.getElementById('chat-send');
  const note = document.getElementById('chat-notice');
  const leftNote = document.getElementById('chat-left');
  const replying = document.getElementById('replying');
  const toStaff = document.getElementById('to-staff');
  const toStaffBox = document.getElementById('to-staff-box');
  const naming = mentions(text, () => new Map([...room.names].filter(([id]) => id !== room.me?.id)), speaker);
  let replyTo = null;
  let waitUntil = 0; // of rates, by performance.now()
  let shortly = { text: '', until: 0 };

  function notice(words, ms = 0) {
    shortly = { text: words, until: performance.now() + ms };
    tick();
  }

  /** slowFor is how long slow mode keeps one from writing, in ms. */
  function slowFor() {
    const last = room.settings.slow_mode_s && !session.may('staff') ? room.messages.findLast((m) => m.mine) : null;
    return last ? last.ts + room.settings.slow_mode_s * 1000 - session.media().now : 0;
  }

  function tick() {
    const gone = session.standing.name === 'over';
    const closed = gone ? '' : closedWord(room, session.media().now);
    const onlyStaff = closed !== '' && (room.settings.chat === 'hosts' || room.settings.chat === 'questions') && session.may('chat') && !session.may('staff') && !room.restricted.muted && !room.settings.paused;
    const wait = Math.ceil(Math.max(waitUntil - performance.now(), slowFor()) / 1000);
    const most = room.me?.limits.chat ?? 500;
    const n = length(text.value.trim());
    const over = n > most;
    const now = performance.now() < shortly.until ? shortly.text : '';
    write(note, now || closed || (wait > 0 ? `You can write again in ${wait} s.` : '') || (room.settings.slow_mode_s && !session.may('staff') ? `Slow mode: one message every ${room.settings.slow_mode_s} s.` : ''));
    note.hidden = note.textContent === '';
    const can = room.me !== null && !gone && (closed === '' || onlyStaff);
    text.disabled = !can;
    send.disabled = !can || n === 0 || over || wait > 0;
    toStaffBox.hidden = session.may('staff') || !can;
    if (onlyStaff) {
      toStaff.checked = true;
    }
    leftNote.hidden = n < most - 60;
    write(leftNote, over ? `${n - most} too many` : `${most - n} left`);
    leftNote.classList.toggle('over', over);
  }

  function grow() {
    text.style.height = 'auto';
    text.style.height = `${Math.min(text.scrollHeight + 2, 140)}px`;
    tick();
  }

  async function submit(event) {
    event.preventDefault();
    const words = text.value.trim();
    tick();
    if (send.disabled || words === '' || !(await named())) {
      return;
    }
    const data = { text: words };
    if (replyTo !== null) {
      data.reply_to = replyTo.id;
    }
    if (toStaff.checked && !session.may('staff')) {
      data.to = 'staff';
    }
    const whom = naming.take(words, replyTo?.mine ? null : replyTo?.from?.id ?? null);
    if (whom.length > 0) {
      data.mentions = whom;
    }
    text.value = '';
    reply(null);
    grow();
    deliver({ key: newId(), text: words, data });
    toEnd();
  }

  async function deliver(one) {
    state.writing(one);
    try {
      const { id } = await session.send('chat.send', one.data, one.key);
      state.written(one.key, id);
      speaker.say('Sent.');
    } catch (error) {
      const why = refusal(error);
      if (error.retryAfter > 0 && error.code !== 'muted' && error.code !== 'slow_mode') {
        waitUntil = performance.now() + error.retryAfter;
      }
      state.unsent(one.key, why);
      speaker.say(why);
    }
    tick();
  }

  function reply(message) {
    replyTo = message;
    replying.hidden = message === null;
    if (message === null) {
      replying.replaceChildren();
      return;
    }
    replying.replaceChildren(icon('i-reply'), el('p', {}, 'To ', el('bdi', { class: 'author', text: nameOf(message.from) }), ': ', el('span', { dir: 'auto', text: message.text })),
      iconButton('i-close', 'Do not reply', () => {
        reply(null);
        text.focus();
      }));
    text.focus();
  }

  form.addEventListener('submit', submit);
  text.addEventListener('input', grow);
  text.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      form.requestSubmit();
    } else if (event.key === 'Escape' && replyTo !== null) {
      reply(null);
    }
  });
  setInterval(tick, TICK_MS);

  return {
    reply,
    notice,
    /** tick is to be called when what one may do has changed. */
    tick,
    again(one) {
      state.dropped(one.key);
      // A new id: what was refused is remembered by the old one.
      deliver({ ...one, key: newId(), failed: undefined, id: undefined });
    },
  };
}
