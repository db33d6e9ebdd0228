// The questions: a list to vote in, and below it a place to ask. Staff sort and answer.

import { arrange, el, icon, soon, write } from './element.mjs';
import { plain } from './plain.mjs';
import { clockTime, length, many, nameOf, questionState, refusal } from './room-words.mjs';

const OPEN = ['asked', 'answering'];

/** FILTERS are what can be shown. */
const FILTERS = {
  open: (q) => OPEN.includes(q.state),
  answered: (q) => q.state === 'answered',
  mine: (q) => q.mine,
  dismissed: (q) => q.state === 'dismissed',
  all: () => true,
};

/** sorted puts questions in order: what is being answered first, then by votes or age. */
export function sorted(questions, by, filter, staff) {
  const there = (q) => (staff ? q.state !== 'withdrawn' && q.state !== 'merged' : !['withdrawn', 'merged', 'dismissed'].includes(q.state) || q.mine);
  const foremost = (q) => (q.state === 'answering' ? 0 : 1);
  const order = { votes: (a, b) => b.votes - a.votes || a.seq - b.seq, new: (a, b) => b.seq - a.seq, old: (a, b) => a.seq - b.seq }[by];
  return questions.filter((q) => there(q) && FILTERS[filter](q)).sort((a, b) => foremost(a) - foremost(b) || order(a, b));
}

/** The order is put right so often, and not while somebody points at the list. */
const ORDER_MS = 3000;
/** So many are in the page. */
const SHOWN = 100;

export function questions(session, speaker, named = async () => true) {
  const { state, room } = session;
  const list = document.getElementById('questions');
  const empty = document.getElementById('questions-empty');
  const sort = document.getElementById('question-sort');
  const filter = document.getElementById('question-filter');
  const rows = new Map();
  let order = [];
  let orderedAt = -Infinity;
  let open = null; // { id, what: 'answer' or 'merge' }
  const asker = ask();
  const later = soon(() => render());
  const triage = () => session.may('triage');

  function render(anew = false) {
    const wanted = sorted([...room.questions.values()], sort.value, filter.value, triage()).slice(0, SHOWN);
    const busy = list.matches(':hover') || list.contains(document.activeElement);
    if (anew || (!busy && performance.now() - orderedAt > ORDER_MS)) {
      order = wanted.map((q) => q.id);
      orderedAt = performance.now();
    } else {
      // Those that are there stay where they are.
      const ids = new Set(wanted.map((q) => q.id));
      const old = order.filter((id) => ids.has(id));
      order = [...old, ...wanted.map((q) => q.id).filter((id) => !old.includes(id))];
    }
    const focused = list.contains(document.activeElement) ? [document.activeElement.closest('.question')?.dataset.id, document.activeElement.dataset.act] : null;
    for (const id of rows.keys()) {
      if (!order.includes(id)) {
        rows.delete(id);
      }
    }
    arrange(list, order.map((id) => rowFor(room.questions.get(id))));
    if (focused?.[0] && !list.contains(document.activeElement)) {
      const row = rows.get(focused[0])?.row;
      (row?.querySelector(`[data-act="${focused[1]}"]`) ?? row?.querySelector('button'))?.focus({ preventScroll: true });
    }
    empty.hidden = order.length > 0;
    write(empty, room.questions.size > 0 ? 'Nothing here.' : triage() ? 'No questions yet.' : 'No questions yet. Ask the first one.');
  }
  setInterval(() => {
    if (!list.closest('[hidden]')) {
      render();
    }
  }, ORDER_MS);

  function rowFor(q) {
    const look = JSON.stringify([q.state, q.mine, q.voted, q.answer, q.shadow, open?.id === q.id ? open.what : '', triage(), session.may('vote')]);
    let have = rows.get(q.id);
    if (have?.look !== look) {
      have = { look, row: make(q) };
      rows.set(q.id, have);
    }
    // Numbers change often: in place, so that nobody loses the button under the finger.
    write(have.row.querySelector('.votes'), String(q.votes));
    have.row.querySelector('.vote')?.setAttribute('aria-label', `${q.voted ? 'Take back your vote' : 'Vote for this question'}: ${many(q.votes, 'vote')}`);
    return have.row;
  }

  function make(q) {
    const votable = OPEN.includes(q.state) && session.may('vote') && !triage();
    const row = el('li', { class: `question is-${q.state}` });
    row.dataset.id = q.id;
    const badge = questionState(q.state);
    row.append(
      votable
        ? el('button', { type: 'button', class: 'vote', 'aria-pressed': String(q.voted), 'data-act': 'vote', onclick: () => vote(q) }, icon('i-up'), el('span', { class: 'votes', 'aria-hidden': 'true' }))
        : el('p', { class: 'vote still' }, icon('i-up'), el('span', { class: 'votes' }), el('span', { class: 'unseen', text: ' votes' })),
      el('div', { class: 'question-body' },
        el('p', { class: 'message-head' },
          el('bdi', { class: 'author', text: q.mine ? `${q.anonymous ? 'You, without your name' : 'You'}` : q.anonymous && !q.from?.name ? 'Anonymous' : nameOf(q.from) }),
          q.anonymous && q.from?.name && !q.mine && el('span', { class: 'flag', text: 'Anonymous to others' }),
          q.shadow && el('span', { class: 'flag', text: 'Hidden from others' }),
          el('time', { class: 'time', dateTime: new Date(q.ts).toISOString(), text: clockTime(q.ts) }),
          badge && el('span', { class: 'badge-state', text: badge })),
        el('p', { class: 'body', dir: 'auto' }, ...plain(q.text)),
        q.answer && el('p', { class: 'answer' }, el('strong', { text: q.answer.live ? 'Answered in the lecture' : 'Answer: ' }), q.answer.text && el('span', { dir: 'auto' }, ...plain(q.answer.text))),
        triage() ? sorting(q) : q.mine && OPEN.includes(q.state) && el('button', { type: 'button', class: 'quiet', text: 'Withdraw', 'data-act': 'withdraw', onclick: () => act('question.move', { question: q.id, state: 'withdrawn' }, 'Withdrawn.') }),
        open?.id === q.id && (open.what === 'answer' ? answering(q) : merging(q))));
    return row;
  }

  function sorting(q) {
    const button = (text, id, onclick, more = {}) => el('button', { type: 'button', class: 'chip small', text, 'data-act': id, onclick, ...more });
    const move = (text, to, done) => button(text, to, () => act('question.move', { question: q.id, state: to }, done));
    const toggle = (text, what) => button(text, what, () => {
      open = open?.id === q.id && open.what === what ? null : { id: q.id, what };
      render();
      rows.get(q.id)?.row.querySelector('.question-form :is(textarea, select)')?.focus();
    }, { 'aria-expanded': String(open?.id === q.id && open.what === what) });
    if (q.state === 'answered' || q.state === 'dismissed') {
      return el('div', { class: 'sorting' }, move('Open again', 'asked', 'Open again.'), q.state === 'answered' && toggle('Write answer', 'answer'));
    }
    return el('div', { class: 'sorting' },
      q.state === 'asked' ? move('Answer now', 'answering', 'Shown as being answered.') : button('Answered', 'live', () => act('question.answer', { question: q.id, live: true }, 'Answered.'), { class: 'chip small main' }),
      toggle('Write answer', 'answer'),
      toggle('Merge', 'merge'),
      q.state === 'answering' ? move('Not now', 'asked', 'Put back.') : move('Dismiss', 'dismissed', 'Dismissed.'));
  }

  function answering(q) {
    const text = el('textarea', { rows: 3, 'aria-label': 'Answer in words', maxLength: 4000 });
    return el('form', { class: 'question-form', onsubmit: (event) => {
      event.preventDefault();
      if (text.value.trim() !== '') {
        close(act('question.answer', { question: q.id, text: text.value.trim() }, 'Answered.'));
      }
    } }, text, el('div', { class: 'editor-foot' }, el('button', { class: 'chip small main', type: 'submit', text: 'Publish answer' }), cancel()));
  }

  function merging(q) {
    const others = sorted([...room.questions.values()], 'votes', 'all', true).filter((o) => o.id !== q.id && o.state !== 'dismissed').slice(0, 50);
    const choice = el('select', { 'aria-label': 'The question that asks the same' }, ...others.map((o) => el('option', { value: o.id, text: `${o.votes} · ${o.text.slice(0, 80)}` })));
    return el('form', { class: 'question-form', onsubmit: (event) => {
      event.preventDefault();
      if (choice.value) {
        close(act('question.merge', { question: q.id, into: choice.value }, 'Joined.'));
      }
    } }, others.length ? choice : el('p', { text: 'There is no other question.' }),
    el('div', { class: 'editor-foot' }, others.length > 0 && el('button', { class: 'chip small main', type: 'submit', text: 'Join, votes and all' }), cancel()));
  }

  const cancel = () => el('button', { class: 'quiet', type: 'button', text: 'Cancel', onclick: () => close(Promise.resolve()) });

  function close(after) {
    after.then(() => {
      open = null;
      render();
    });
  }

  function vote(q) {
    const up = !q.voted;
    state.voted(q.id, up);
    session.send('question.vote', up ? { question: q.id, up } : { question: q.id }).then(
      () => speaker.say(up ? 'Your vote counts.' : 'Vote taken back.'),
      (error) => {
        state.voted(q.id, !up);
        speaker.say(refusal(error, 'vote'));
      },
    );
  }

  async function act(type, data, done) {
    try {
      await session.send(type, data);
      speaker.say(done);
    } catch (error) {
      speaker.say(refusal(error, 'question'));
      asker.notice(refusal(error, 'question'));
    }
  }

  function ask() {
    const form = document.getElementById('asker');
    const text = document.getElementById('ask-text');
    const send = document.getElementById('ask-send');
    const anonymous = document.getElementById('ask-anonymous');
    const note = document.getElementById('ask-notice');
    const leftNote = document.getElementById('ask-left');
    let waitUntil = 0;
    let shortly = { text: '', until: 0 };

    function notice(words) {
      shortly = { text: words, until: performance.now() + 6000 };
      tick();
    }

    function tick() {
      const most = room.me?.limits.question ?? 1000;
      const n = length(text.value.trim());
      const wait = Math.ceil((waitUntil - performance.now()) / 1000);
      const off = room.settings.chat === 'off' || room.settings.paused || room.restricted.muted;
      write(note, performance.now() < shortly.until ? shortly.text : wait > 0 ? `You can ask again in ${wait} s.` : off ? 'No questions are taken now.' : '');
      note.hidden = note.textContent === '';
      form.hidden = room.me !== null && (!session.may('ask') || triage());
      text.disabled = room.me === null || off;
      send.disabled = text.disabled || n === 0 || n > most || wait > 0;
      leftNote.hidden = n < most - 100;
      write(leftNote, n > most ? `${n - most} too many` : `${most - n} left`);
      leftNote.classList.toggle('over', n > most);
    }

    form.addEventListener('submit', async (event) => {
      event.preventDefault();
      const words = text.value.trim();
      tick();
      if (send.disabled || words === '' || (!anonymous.checked && !(await named()))) {
        return;
      }
      send.disabled = true;
      try {
        const { id } = await session.send('question.ask', anonymous.checked ? { text: words, anonymous: true } : { text: words });
        state.made(id);
        text.value = '';
        speaker.say('Asked.');
        notice('Your question was asked.');
      } catch (error) {
        if (error.retryAfter > 0) {
          waitUntil = performance.now() + error.retryAfter;
        }
        speaker.say(refusal(error, 'question'));
        notice(refusal(error, 'question'));
      }
      tick();
    });
    text.addEventListener('input', tick);
    text.addEventListener('keydown', (event) => {
      if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        form.requestSubmit();
      }
    });
    setInterval(tick, 500);
    return { notice, tick };
  }

  for (const choice of [sort, filter]) {
    choice.addEventListener('change', () => render(true));
  }
  state.onChange((topic, event) => {
    if (topic === 'questions' || topic === 'all') {
      later();
    }
    if (topic === 'questions' && event?.type === 'question.asked' && !room.questions.get(event.data.id)?.mine) {
      speaker.question();
    }
    if (topic === 'all' || topic === 'settings') {
      asker.tick();
    }
  });
  return { render: () => render(true), count: () => [...room.questions.values()].filter(FILTERS.open).length };
}
