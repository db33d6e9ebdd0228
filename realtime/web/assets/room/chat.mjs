// The chat: the list of messages and what one writes below it. Staff get more buttons.

import { createComposer } from './composer.mjs';
import { arrange, el, icon, iconButton, soon, write } from './element.mjs';
import { plain } from './plain.mjs';
import { clockTime, many, nameOf, refusal, roleWord } from './room-words.mjs';

/** So many messages are in the page; more would make it slow. */
const SHOWN = 200;
/** So close to the end is the end. */
const NEAR_PX = 60;

/**
 * chat shows it.
 *
 * @param session see session.mjs
 * @param speaker see voice.mjs
 * @param named   asks for a name if one is wanted: async () => boolean, false to give up
 */
export function chat(session, speaker, named = async () => true) {
  const { state, room } = session;
  const log = document.getElementById('log');
  const empty = document.getElementById('log-empty');
  const newer = document.getElementById('newer');
  const pinned = document.getElementById('pinned');
  const pauseButton = document.getElementById('chat-pause');
  const rows = new Map(); // id -> { row, look }
  let paused = false;
  let frozenAt = Infinity; // seq of the newest message that is shown while paused
  let seen = 0; // seq of the newest message that was at the end of the list
  let following = true; // the end of the list, as it grows
  let top = 0; // where the list was scrolled to
  let opened = null; // id of the message whose moderation is open
  let editing = null;
  const composer = createComposer(session, speaker, named, () => toEnd());
  const later = soon(render);

  const staff = () => session.may('moderate');
  const atEnd = () => log.scrollHeight - log.scrollTop - log.clientHeight < NEAR_PX;

  function render() {
    let list = room.messages;
    if (paused) {
      list = list.filter((m) => m.seq <= frozenAt);
    }
    list = list.slice(-SHOWN);
    const ids = new Set(list.map((m) => m.id));
    for (const id of rows.keys()) {
      if (!ids.has(id) && !id.startsWith('own-')) {
        rows.delete(id);
      }
    }
    const focused = log.contains(document.activeElement) ? document.activeElement.closest('.message')?.dataset.id : null;
    const elements = list.map((m) => rowFor(m.id, lookOf(m), () => (m.kind === 'more' ? moreRow(m) : messageRow(m))));
    for (const one of room.sending) {
      elements.push(rowFor(`own-${one.key}`, `${one.failed ?? ''}`, () => sendingRow(one)));
    }
    arrange(log, elements);
    if (focused && !log.contains(document.activeElement)) {
      (rows.get(focused)?.row ?? log).focus({ preventScroll: true });
    }
    empty.hidden = elements.length > 0;
    renderPinned();
    follow();
    renderNewer();
    rove();
  }

  /** follow goes to the end of the list if that is where one was. */
  function follow() {
    if (following && !paused && log.clientHeight > 0) {
      log.scrollTop = log.scrollHeight;
      seen = room.messages.at(-1)?.seq ?? seen;
    }
  }
  new ResizeObserver(follow).observe(log);

  function rowFor(id, look, make) {
    const have = rows.get(id);
    if (have?.look === look) {
      return have.row;
    }
    const row = make();
    rows.set(id, { row, look });
    return row;
  }

  const lookOf = (m) => [m.text, m.edited, m.deleted, m.mine, m.n, m.shadow, m.over, opened === m.id, editing === m.id, room.pinned?.id === m.id,
    opened === m.id ? JSON.stringify(room.people.get(m.from?.id) ?? 0) : '', m.mine ? mayEdit(m) : '', toMe(m)].join('|');

  const mayEdit = (m) => m.mine && !m.deleted && session.may('chat') && session.media().now - m.ts < (room.me?.limits.edit_ms ?? 0);

  const toMe = (m) => m.kind !== 'more' && state.toMe(m);

  function moreRow({ n }) {
    return el('p', { class: 'more-row', text: `${many(n, 'message')} not shown: the chat is fast just now` });
  }

  function head(m) {
    const role = m.from?.name ? roleWord(m.from.role) : ''; // without a name the role is the name
    return el('p', { class: 'message-head' },
      el('bdi', { class: 'author', text: m.mine ? `${nameOf(m.from)} (you)` : nameOf(m.from) }),
      role && el('span', { class: 'role', text: role }),
      toMe(m) && el('span', { class: 'flag to-you', text: 'To you' }),
      m.to === 'staff' && el('span', { class: 'flag', text: 'To staff' }),
      m.shadow && el('span', { class: 'flag', text: 'Hidden from others' }),
      m.over && el('span', { class: 'flag', text: 'Over the limit' }),
      el('time', { class: 'time', dateTime: new Date(m.ts).toISOString(), text: clockTime(m.ts) }),
      m.edited && el('span', { class: 'time', text: 'edited' }));
  }

  function messageRow(m) {
    const to = m.replyTo ? state.message(m.replyTo) : null;
    const row = el('article', { class: `message${m.mine ? ' mine' : ''}${m.from?.role === 'host' || m.from?.role === 'moderator' ? ' of-staff' : ''}${toMe(m) ? ' to-me' : ''}`, tabIndex: -1 });
    row.dataset.id = m.id;
    row.setAttribute('aria-label', `${nameOf(m.from)}${toMe(m) ? ' to you' : ''}, ${clockTime(m.ts)}`);
    row.append(head(m));
    if (m.replyTo) {
      row.append(el('p', { class: 'quoted' }, icon('i-reply'), to ? el('span', {}, el('bdi', { text: nameOf(to.from) }), ': ', el('span', { dir: 'auto', text: to.text })) : 'An older message'));
    }
    if (m.deleted) {
      row.append(el('p', { class: 'body gone' }, 'Deleted: ', el('span', { dir: 'auto', text: m.text })));
    } else if (editing === m.id) {
      row.append(editor(m));
    } else {
      row.append(el('p', { class: 'body', dir: 'auto' }, ...plain(m.text, m.mentions.map((id) => room.names.get(id)))));
    }
    if (editing !== m.id) {
      row.append(tools(m));
    }
    if (opened === m.id) {
      row.append(moderation(m));
    }
    return row;
  }

  function tools(m) {
    const who = nameOf(m.from);
    const list = [];
    if (m.deleted) {
      list.push(el('button', { type: 'button', class: 'quiet', text: 'Restore', onclick: () => act('chat.restore', { message: m.id }, 'Restored.') }));
    } else {
      if (session.may('chat')) {
        list.push(iconButton('i-reply', `Reply to ${who}`, () => composer.reply(m)));
      }
      if (mayEdit(m)) {
        list.push(iconButton('i-edit', 'Edit your message', () => edit(m.id)));
      }
      if (staff() && !m.to && !m.shadow) {
        const on = room.pinned?.id === m.id;
        list.push(iconButton('i-pin', on ? 'Take down the pin' : 'Pin', () => act('chat.pin', { message: m.id, pinned: !on }, on ? 'No longer pinned.' : 'Pinned.'), { 'aria-pressed': String(on) }));
      }
      if (m.mine || staff()) {
        list.push(iconButton('i-bin', m.mine ? 'Delete your message' : `Delete the message of ${who}`, () => act('chat.delete', { message: m.id }, 'Deleted.')));
      }
      if (staff() && m.from?.id && !m.mine && !roleWord(m.from.role)) {
        list.push(iconButton('i-more', `Moderate ${who}`, () => open(m.id), { 'aria-expanded': String(opened === m.id) }));
      }
    }
    return el('div', { class: 'tools' }, ...list);
  }

  function moderation(m) {
    const who = m.from.id;
    const now = room.people.get(who) ?? {};
    const button = (text, action, done, more = {}) => el('button', {
      type: 'button', class: 'chip small', text, onclick: () => act('moderate', { participant: who, action, ...more }, done).then(() => open(null)),
    });
    return el('div', { class: 'moderation', role: 'group', 'aria-label': `Moderate ${nameOf(m.from)}` },
      now.muted ? button('Unmute', 'unmute', 'Unmuted.') : [button('Mute 5 min', 'mute', 'Muted for five minutes.', { seconds: 300 }), button('Mute', 'mute', 'Muted.')],
      now.shadow ? button('Show to others', 'unshadow', 'Shown again.') : button('Hide from others', 'shadow', 'Hidden from others.'),
      button('Send out', 'kick', 'Sent out.'),
      now.banned ? button('Let back in', 'unban', 'May come back.') : button('Exclude', 'ban', 'Excluded.'));
  }

  function open(id) {
    opened = opened === id ? null : id;
    render();
    if (opened !== null) {
      rows.get(opened)?.row.querySelector('.moderation button')?.focus();
    }
  }

  function edit(id) {
    editing = id;
    render();
    rows.get(id)?.row.querySelector('textarea')?.focus();
  }

  function editor(m) {
    const text = el('textarea', { rows: 2, value: m.text, 'aria-label': 'Edit your message' });
    const done = () => {
      editing = null;
      render();
      rows.get(m.id)?.row.focus();
    };
    const save = () => {
      if (text.value.trim() === '' || text.value === m.text) {
        done();
        return;
      }
      act('chat.edit', { message: m.id, text: text.value.trim() }, 'Changed.').then(done);
    };
    text.addEventListener('keydown', (event) => {
      if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        save();
      } else if (event.key === 'Escape') {
        event.stopPropagation();
        done();
      }
    });
    return el('div', { class: 'editor' }, text,
      el('div', { class: 'editor-foot' }, el('button', { type: 'button', class: 'chip small', text: 'Save', onclick: save }), el('button', { type: 'button', class: 'quiet', text: 'Cancel', onclick: done })));
  }

  function sendingRow(one) {
    return el('article', { class: 'message mine sending' },
      el('p', { class: 'body', dir: 'auto' }, ...plain(one.text)),
      one.failed
        ? el('p', { class: 'failed' }, one.failed, ' ',
          el('button', { type: 'button', class: 'quiet', text: 'Try again', onclick: () => composer.again(one) }),
          el('button', { type: 'button', class: 'quiet', text: 'Discard', onclick: () => state.dropped(one.key) }))
        : el('p', { class: 'time', text: 'Sending…' }));
  }

  async function act(type, data, done) {
    try {
      await session.send(type, data);
      speaker.say(done);
    } catch (error) {
      const why = refusal(error);
      speaker.say(why);
      composer.notice(why, 6000);
    }
  }

  function renderNewer() {
    const missed = room.messages.reduce((n, m) => n + (m.seq > seen && !m.mine && m.kind !== 'more' ? 1 : 0), 0);
    const show = missed > 0 && (paused || !following);
    newer.hidden = !show;
    if (show) {
      write(newer, paused ? `${many(missed, 'new message')} while paused` : many(missed, 'new message'));
    }
  }

  function toEnd() {
    pause(false);
    following = true;
    render();
  }

  function pause(on) {
    paused = on;
    frozenAt = on ? room.messages.at(-1)?.seq ?? 0 : Infinity;
    pauseButton.setAttribute('aria-pressed', String(on));
    write(pauseButton, on ? 'Go on' : 'Pause chat');
  }

  function renderPinned() {
    const m = room.pinned;
    pinned.hidden = m === null;
    const look = m === null ? '' : `${m.id}|${m.text}|${staff()}`;
    if (pinned.dataset.look === look) {
      return;
    }
    pinned.dataset.look = look;
    pinned.replaceChildren(...(m === null ? [] : [
      icon('i-pin'),
      el('p', {}, el('span', { class: 'unseen', text: 'Pinned: ' }), el('bdi', { class: 'author', text: nameOf(m.from) }), ' ', el('span', { dir: 'auto' }, ...plain(m.text))),
      staff() ? iconButton('i-close', 'Take down the pin', () => act('chat.pin', { message: m.id, pinned: false }, 'No longer pinned.')) : null,
    ].filter(Boolean)));
  }

  // One message of the list is in the order of the Tab key; the arrows go on from there.
  function rove(target = null) {
    const all = [...log.querySelectorAll('.message[data-id]')];
    const now = target ?? all.find((row) => row === document.activeElement || row.contains(document.activeElement)) ?? all.find((row) => row.tabIndex === 0) ?? all.at(-1);
    for (const row of all) {
      row.tabIndex = row === now ? 0 : -1;
    }
    return { all, now };
  }
  log.addEventListener('keydown', (event) => {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (event.target.closest('textarea') || (step === undefined && event.key !== 'Home' && event.key !== 'End')) {
      return;
    }
    const { all, now } = rove();
    const i = event.target === log ? all.length : all.indexOf(now);
    const next = event.key === 'Home' ? all[0] : event.key === 'End' ? all.at(-1) : all[Math.min(Math.max(i + step, 0), all.length - 1)];
    if (next) {
      event.preventDefault();
      event.stopPropagation();
      rove(next);
      next.focus();
      next.scrollIntoView({ block: 'nearest' });
    }
  });
  log.addEventListener('focusin', ({ target }) => {
    const row = target.closest('.message[data-id]');
    if (row) {
      rove(row);
    }
  });
  log.addEventListener('scroll', () => {
    if (log.clientHeight > 0) {
      // What makes the list smaller is no wish to read older messages.
      following = atEnd() || (following && log.scrollTop >= top);
      top = log.scrollTop;
      if (following && !paused) {
        seen = room.messages.at(-1)?.seq ?? seen;
      }
    }
    renderNewer();
  }, { passive: true });
  newer.addEventListener('click', () => {
    toEnd();
    log.focus({ preventScroll: true });
  });
  pauseButton.addEventListener('click', () => {
    if (paused) {
      toEnd();
      speaker.say('The chat goes on.');
    } else {
      pause(true);
      speaker.say('The chat is paused. Nothing is lost.');
    }
  });

  state.onChange((topic, event) => {
    if (topic === 'chat' || topic === 'all' || topic === 'settings' || topic === 'people') {
      later();
    }
    if (topic === 'chat' && event?.type === 'chat.message') {
      const m = state.message(event.data.id);
      if (m !== null && !m.mine && (!paused || toMe(m))) {
        speaker.message(nameOf(m.from), m.text, toMe(m));
      }
    }
    if (topic === 'all' || topic === 'settings') {
      composer.tick();
    }
  });
  return {
    /** shown is to be called when the chat can be seen again. */
    shown: render,
    get unread() { return room.messages.filter((m) => m.seq > seen && !m.mine).length; },
  };
}
