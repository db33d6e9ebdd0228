// The room of a class beside its recording: what was said appears when the lecture
// comes to it. One sees, and cannot take part. What is to be seen when is in
// transcript.mjs; here it is shown.

import { arrange, el, icon, write } from './element.mjs';
import { plain } from './plain.mjs';
import { labelsOf, results } from './results.mjs';
import { clockTime, many, nameOf, questionState, roleWord } from './room-words.mjs';
import { tabs } from './tabs.mjs';
import { chapterAt, createTranscript, isEmpty, pollsAt, questionsAt, standingAt } from './transcript.mjs';
import { voice } from './voice.mjs';
import { clock, lengthWords } from '../watch/words.mjs';

const TICK_MS = 250;
const TIMEOUT_MS = 10000;
/** So long after one try to load the index comes the next… */
const AGAIN_MS = 30000;
/** …and so long while it does not know yet that the class has ended. */
const SOON_MS = 3000;
/** A step on of at most so long is the lecture going on, and not somebody going elsewhere. */
const STEP_MS = 3000;
/** So close to the end is the end. */
const NEAR_PX = 60;

/**
 * replay waits for the recording of a class to be played, and shows its room then.
 *
 * @param lesson  see watch/main.mjs
 * @param instead the panel that it takes the place of, null if there is none
 */
export function replay(lesson, instead = null) {
  const { player, pass } = lesson;
  const load = async (file) => {
    const url = pass.wire(new URL(`room/${file}`, new URL(lesson.current().hls, location.href)).href);
    const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    if (response.status === 404) {
      return null;
    }
    if (!response.ok) {
      throw new Error(`${file}: ${response.status}`);
    }
    return response.json();
  };
  const transcript = createTranscript(load);
  let view = null;
  let due = 0;

  async function look() {
    due = performance.now() + AGAIN_MS;
    try {
      await transcript.refresh();
    } catch {
      return; // offline, or the token has expired: later
    }
    if (!transcript.index?.ended) {
      due = performance.now() + SOON_MS;
      return;
    }
    due = Infinity;
    if (!isEmpty(transcript.index)) {
      view = panel(lesson, transcript);
      document.getElementById('polls')?.remove();
      if (instead?.isConnected) {
        instead.replaceWith(view.element);
      } else {
        lesson.page.append(view.element);
      }
      view.begin();
    }
  }

  setInterval(() => {
    if (lesson.current().state !== 'ended' || player.timeline()?.kind !== 'recording') {
      return;
    }
    if (performance.now() >= due) {
      look();
    }
    view?.show(player.playingDate());
  }, TICK_MS);
}

/** head is the first line of a message or question; place is where it is in the recording, in ms. */
function head({ from, ts }, place, ...more) {
  const role = roleWord(from.role);
  return el('p', { class: 'message-head' },
    el('bdi', { class: 'author', text: nameOf(from) }),
    role && el('span', { class: 'role', text: role }),
    el('time', { class: 'time', dateTime: new Date(ts).toISOString(), title: clockTime(ts), text: place === null ? clockTime(ts) : clock(place) }),
    ...more);
}

/** rowsOf keeps the elements of a list, each until its look changes. */
function rowsOf() {
  let rows = new Map();
  return (items, keyOf, lookOf, make) => {
    const next = new Map();
    for (const item of items) {
      const key = keyOf(item);
      const look = lookOf(item);
      const have = rows.get(key);
      next.set(key, have?.look === look ? have : { look, row: make(item) });
    }
    rows = next;
    return [...next.values()].map(({ row }) => row);
  };
}

function panel(lesson, transcript) {
  const { player } = lesson;
  const { index } = transcript;
  const log = el('div', { class: 'log', id: 'replay-log', role: 'log', 'aria-label': 'Messages', 'aria-live': 'off', tabIndex: 0 });
  const empty = el('p', { class: 'empty' });
  const newer = el('button', { type: 'button', class: 'newer', text: 'Go to this moment', hidden: true, onclick: () => follow(true) });
  const pinned = el('div', { class: 'pinned', hidden: true });
  const announcements = el('ul', { class: 'announcements', 'aria-label': 'Announcements', hidden: true });
  const questions = el('ol', { class: 'questions' });
  const noQuestions = el('p', { class: 'empty', text: 'No questions until this moment.' });
  const chapters = el('ol', { class: 'chapters' });
  const news = el('p', { class: 'unseen', role: 'status', 'aria-live': 'polite' });
  const own = el('p', { class: 'unseen', role: 'status', 'aria-live': 'polite' });
  const speaker = voice(own, news);
  const list = el('div', { class: 'tabs', role: 'tablist', 'aria-label': 'Replay of the chat' });
  const element = el('aside', { class: 'side room replay', id: 'replay', 'aria-label': 'Replay of the chat' }, announcements, el('div', { class: 'room-head' }, list),
    el('p', { class: 'room-state', text: 'Replay of the chat' }));
  const count = el('span', { class: 'count', hidden: true });
  const sections = [
    ['chat', 'Chat', [pinned, el('div', { class: 'log-box' }, log, empty, newer)], true],
    ['questions', 'Questions', [el('div', { class: 'question-box', tabIndex: 0, role: 'region', 'aria-label': 'Questions' }, questions, noQuestions)], index.questions.length > 0],
    ['chapters', 'Chapters', [el('nav', { class: 'question-box', 'aria-label': 'Chapters' }, chapters)], index.chapters.length > 0],
  ];
  for (const [id, name, content, there] of sections) {
    const chosen = id === 'chat';
    const tab = el('button', { class: 'tab', id: `replay-tab-${id}`, type: 'button', role: 'tab', 'aria-controls': `replay-${id}`, 'aria-selected': String(chosen), tabIndex: chosen ? 0 : -1, text: name, hidden: !there });
    if (id === 'questions') {
      tab.append(' ', count);
    }
    list.append(tab);
    element.append(el('section', { class: 'panel', id: `replay-${id}`, role: 'tabpanel', 'aria-labelledby': tab.id, hidden: !chosen }, ...content));
  }
  element.append(own, news);

  const logRows = rowsOf();
  const questionRows = rowsOf();
  const ticks = el('div', { class: 'chapter-ticks', 'aria-hidden': 'true' });
  let ticksFor = '';
  let following = true;
  let top = 0; // where the list was scrolled to
  let before = null; // the date that was shown last
  let newest = -Infinity; // media_ts of the newest message that was shown

  log.addEventListener('scroll', () => {
    if (log.scrollTop < top || log.scrollHeight - log.scrollTop - log.clientHeight < NEAR_PX) {
      following = log.scrollHeight - log.scrollTop - log.clientHeight < NEAR_PX;
    }
    top = log.scrollTop;
    newer.hidden = following;
  });
  new ResizeObserver(() => follow()).observe(log);

  function follow(again = false) {
    following ||= again;
    if (following && log.clientHeight > 0) {
      log.scrollTop = log.scrollHeight;
      newer.hidden = true;
    }
  }

  function messageRow(m) {
    const to = m.reply_to ? transcript.find(m.reply_to) : null;
    return el('article', { class: `message${m.from.role === 'host' || m.from.role === 'moderator' ? ' of-staff' : ''}` },
      head(m, player.placeOf(m.media_ts), m.edited && el('span', { class: 'time', text: 'edited' })),
      m.reply_to && el('p', { class: 'quoted' }, icon('i-reply'), to ? el('span', {}, el('bdi', { text: nameOf(to.from) }), ': ', el('span', { dir: 'auto', text: to.text })) : 'An older message'),
      el('p', { class: 'body', dir: 'auto' }, ...plain(m.text)));
  }

  function pollRow({ poll, phase, revealed }) {
    const shown = { ...poll, correct: revealed ? poll.correct : null };
    const note = phase === 'open' ? 'Open at this moment.' : phase === 'closed' ? (poll.results === 'never' && revealed ? 'The results were not shown.' : 'Closed.') : '';
    const options = phase !== 'results' && (poll.options ?? []).length > 0 && poll.kind !== 'scale';
    return el('article', { class: 'poll-card poll-past', 'aria-label': 'Poll' },
      el('div', { class: 'poll-head' }, el('h2', { text: poll.quiz ? 'Quiz' : 'Poll' })),
      el('p', { class: 'prompt', dir: 'auto', text: poll.prompt }),
      phase === 'results' && results({ mine: null, ...shown, options: poll.options ?? [], min: poll.min ?? 0, max: poll.max ?? 0 }).element,
      options && el('ul', { class: 'options-past' }, ...labelsOf(poll).map((text, i) => el('li', { dir: 'auto', text: shown.correct?.includes(i) ? `${text} ✓ correct` : text }))),
      note !== '' && el('p', { class: 'poll-note', text: note }));
  }

  function questionRow(q) {
    const badge = questionState(q.state);
    return el('li', { class: `question is-${q.state}` },
      el('p', { class: 'vote still' }, icon('i-up'), el('span', { class: 'votes', text: String(q.votes) }), el('span', { class: 'unseen', text: q.votes === 1 ? ' vote' : ' votes' })),
      el('div', { class: 'question-body' }, head(q, player.placeOf(q.media_ts), badge && el('span', { class: 'badge-state', text: badge })),
        el('p', { class: 'body', dir: 'auto' }, ...plain(q.text)),
        q.answer && el('p', { class: 'answer' }, el('strong', { text: q.answer.live ? 'Answered in the lecture' : 'Answer: ' }), q.answer.text && el('span', { dir: 'auto' }, ...plain(q.answer.text)),
          q.answer.live && goButton(q.answer.media_ts, 'Go there'))));
  }

  /** goButton leads to a moment of the recording. */
  function goButton(date, text) {
    return el('button', { type: 'button', class: 'quiet', text, onclick: () => go(date) });
  }

  function go(date) {
    const at = player.placeOf(date);
    if (at !== null) {
      player.seekTo(at);
      following = true;
      speaker.say(`Now at ${lengthWords(at)}.`);
    }
  }

  chapters.append(...index.chapters.map((chapter) => el('li', {},
    el('button', { type: 'button', class: 'chapter', onclick: () => go(chapter.media_ts) }, el('span', { class: 'time' }), el('span', { dir: 'auto', text: chapter.title })))));

  function showChapters(date) {
    const now = chapterAt(index.chapters, date);
    [...chapters.children].forEach((item, i) => {
      const button = item.firstElementChild;
      const at = player.placeOf(index.chapters[i].media_ts);
      write(button.firstElementChild, at === null ? '' : clock(at));
      button.disabled = at === null;
      if (i === now) {
        button.setAttribute('aria-current', 'true');
      } else {
        button.removeAttribute('aria-current');
      }
    });
    const line = player.timeline();
    const { offsetLeft, offsetWidth } = document.getElementById('timeline');
    const places = index.chapters.map((c) => player.placeOf(c.media_ts)).filter((at) => at !== null && at > 0);
    const look = `${line?.to}|${offsetLeft}|${offsetWidth}|${places}`;
    if (line !== null && look !== ticksFor) {
      ticksFor = look;
      ticks.style.left = `${offsetLeft}px`;
      ticks.style.width = `${offsetWidth}px`;
      ticks.replaceChildren(...places.map((at) => {
        const tick = el('span', {});
        tick.style.setProperty('--at', String(at / line.to));
        return tick;
      }));
    }
  }

  function showStanding(date) {
    const pin = standingAt(index.pins, date).at(-1);
    pinned.hidden = pin === undefined;
    const look = pin ? `${pin.message.id}|${pin.message.text}` : '';
    if (pinned.dataset.look !== look) {
      pinned.dataset.look = look;
      pinned.replaceChildren(...(pin ? [icon('i-pin'), el('p', {}, el('span', { class: 'unseen', text: 'Pinned: ' }), el('bdi', { class: 'author', text: nameOf(pin.message.from) }), ' ',
        el('span', { dir: 'auto' }, ...plain(pin.message.text)))] : []));
    }
    const stand = standingAt(index.announcements, date);
    announcements.hidden = stand.length === 0;
    const ids = stand.map((a) => a.id).join();
    if (announcements.dataset.look !== ids) {
      announcements.dataset.look = ids;
      announcements.replaceChildren(...stand.map((a) => el('li', { class: 'announcement' }, icon('i-announce'), el('p', { dir: 'auto' }, ...plain(a.text)))));
    }
  }

  /** speak tells of what has come since the last time, if the lecture has just gone on. */
  function speak(messages, date) {
    const fresh = messages.filter((m) => m.media_ts > newest);
    if (before !== null && date >= before && date - before < STEP_MS) {
      fresh.forEach((m) => speaker.message(nameOf(m.from), m.text));
    }
    newest = date;
  }

  return {
    element,
    /** begin is called once the element is in the page. */
    begin() {
      tabs(list, (id) => id === 'replay-tab-chat' && follow());
      document.getElementById('seek').append(ticks);
    },
    /** show shows the room as it was at a date, null while that is unknown. */
    show(date) {
      if (date === null) {
        return;
      }
      transcript.want(date);
      const messages = transcript.messagesAt(date);
      const ready = transcript.ready(date);
      const polls = pollsAt(index.polls, date);
      const from = messages[0]?.media_ts ?? -Infinity;
      const things = [...messages, ...polls.filter(({ poll }) => poll.media_ts >= from)]
        .sort((a, b) => (a.poll ?? a).media_ts - (b.poll ?? b).media_ts);
      arrange(log, logRows(things, (one) => (one.poll ?? one).id, (one) => (one.poll ? `${one.phase}|${one.revealed}` : String(Boolean(one.reply_to && transcript.find(one.reply_to)))),
        (one) => (one.poll ? pollRow(one) : messageRow(one))));
      empty.hidden = things.length > 0;
      write(empty, ready ? 'Nothing was said until this moment.' : 'Loading…');
      follow();
      const asked = questionsAt(index.questions, date);
      arrange(questions, questionRows(asked, (q) => q.id, (q) => `${q.state}|${q.answer !== null}`, questionRow));
      noQuestions.hidden = asked.length > 0;
      count.hidden = asked.length === 0;
      write(count, String(asked.length));
      count.title = many(asked.length, 'question');
      showChapters(date);
      showStanding(date);
      if (ready) {
        speak(messages, date);
        before = date;
      }
    },
  };
}
