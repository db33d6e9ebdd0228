// The host's polls: writes them, opens, closes and reveals them, and shows the results
// as they come.

import { arrange, el, iconButton, soon, write } from '../room/element.mjs';
import { results } from '../room/results.mjs';
import { left, refusal } from '../room/room-words.mjs';

/** TEMPLATES are what a poll can begin as. */
export const TEMPLATES = {
  yesno: { name: 'Yes or no', kind: 'single', options: ['Yes', 'No'] },
  abcd: { name: 'A, B, C, D', kind: 'single', options: ['A', 'B', 'C', 'D'] },
  clear: { name: 'Is it clear?', kind: 'single', prompt: 'Is this clear so far?', options: ['Yes', 'Mostly', 'Not really', 'I am lost'] },
  scale: { name: 'Scale 1 to 5', kind: 'scale', options: ['not at all', 'very'], min: 1, max: 5 },
  cloud: { name: 'Word cloud', kind: 'cloud', options: [] },
  text: { name: 'Short answers', kind: 'text', options: [] },
  single: { name: 'My own question', kind: 'single', options: ['', ''] },
};

const KINDS = { single: 'One answer', multiple: 'Several answers', scale: 'Scale', cloud: 'Word cloud', text: 'Short answers' };
const RESULTS = { after: 'When I show them', live: 'At once', never: 'Never' };
const MOST_OPTIONS = 12;

/** draftOf makes the data of poll.save of what is in the editor, or says what is wrong: { data } or { wrong }. */
export function draftOf({ kind, prompt, options = [], correct = [], min = 1, max = 5, results: when, changeable, quiz, anonymous }) {
  const data = { kind, prompt: prompt.trim(), results: when };
  if (data.prompt === '') {
    return { wrong: 'Write a question first.' };
  }
  if (kind === 'single' || kind === 'multiple') {
    const kept = options.map((text, i) => ({ text: text.trim(), right: correct.includes(i) })).filter(({ text }) => text !== '');
    if (kept.length < 2) {
      return { wrong: 'Write at least two answers.' };
    }
    data.options = kept.map(({ text }) => text);
    if (quiz) {
      data.correct = kept.flatMap(({ right }, i) => (right ? [i] : []));
      if (data.correct.length === 0) {
        return { wrong: 'Tick the right answer.' };
      }
      if (kind === 'single' && data.correct.length > 1) {
        return { wrong: 'Only one answer can be right here. Choose “Several answers” for more.' };
      }
      data.quiz = true;
    }
  }
  if (kind === 'scale') {
    if (min < 0 || max > 10 || min >= max) {
      return { wrong: 'A scale goes from 0 to 10 at most.' };
    }
    Object.assign(data, { min, max });
    const ends = options.map((text) => text.trim());
    if (ends.length === 2 && ends.every(Boolean)) {
      data.options = ends;
    }
  }
  for (const [name, on] of Object.entries({ changeable, anonymous })) {
    if (on) {
      data[name] = true;
    }
  }
  return { data };
}

export function polls(session, speaker) {
  const { room, state } = session;
  const list = document.getElementById('poll-list');
  const empty = document.getElementById('polls-empty');
  const box = document.getElementById('poll-editor');
  const rows = new Map();
  const seconds = new Map(); // of drafts: what was chosen
  const folded = new Map(); // of old polls
  const told = new Set(); // quizzes of which the right answer is shown before students see it
  const later = soon(render);

  document.getElementById('poll-new').addEventListener('click', () => compose(null));

  const RANK = { open: 0, closed: 1, draft: 2, revealed: 3 };
  /** old is a poll that is over and not the last one: nobody talks about it any more. */
  const old = (p) => p.state === 'revealed' && p.id !== [...room.polls.values()].findLast(({ state: s }) => s !== 'draft').id;
  const rank = (p) => (p.state === 'revealed' && !old(p) ? RANK.closed : RANK[p.state]);

  function render() {
    const all = [...room.polls.values()];
    const order = all.map((p, i) => [p, i]).sort(([a, i], [b, j]) => rank(a) - rank(b) || (a.state === 'draft' ? i - j : j - i)).map(([p]) => p);
    for (const id of rows.keys()) {
      if (!room.polls.has(id)) {
        rows.delete(id);
      }
    }
    const focused = list.contains(document.activeElement) ? document.activeElement.closest('.poll')?.dataset.id : null;
    arrange(list, order.map(rowFor));
    if (focused && !list.contains(document.activeElement)) {
      rows.get(focused)?.row.querySelector('button')?.focus({ preventScroll: true });
    }
    empty.hidden = order.length > 0;
  }

  function rowFor(p) {
    const look = JSON.stringify([p.state, p.prompt, p.options, p.results, p.quiz, folded.get(p.id), told.has(p.id), p.closesAt, old(p)]);
    let have = rows.get(p.id);
    if (have?.look !== look) {
      have = make(p, look);
      rows.set(p.id, have);
    }
    have.shown?.update(seen(p));
    return have;
  }

  /** seen is a poll as a class that looks at the same screen may see it. */
  const seen = (p) => (p.state === 'revealed' || told.has(p.id) ? p : { ...p, correct: null });

  const act = (type, data, done) => session.send(type, data).then(
    (ack) => {
      speaker.say(done);
      return ack;
    },
    (error) => {
      speaker.say(refusal(error));
      return null;
    },
  );

  function make(p, look) {
    const word = { draft: 'Prepared', open: 'Open', closed: 'Closed', revealed: 'Shown' }[p.state];
    const open = folded.get(p.id) ?? !old(p);
    const shown = p.state === 'draft' || !open ? null : results(seen(p));
    const row = el('li', { class: `poll is-${p.state}` },
      el('p', { class: 'message-head' }, el('span', { class: p.state === 'open' ? 'role' : 'flag', text: word }), el('span', { class: 'time', text: `${p.quiz ? 'Quiz, ' : ''}${KINDS[p.kind].toLowerCase()}` }), el('span', { class: 'time-left' })),
      el('h3', { class: 'prompt', dir: 'auto', text: p.prompt }),
      p.state === 'draft' && p.options.length > 0 ? el('p', { class: 'poll-note', text: p.kind === 'scale' ? `${p.min} to ${p.max}` : p.options.join(' · ') }) : null,
      shown?.element,
      buttons(p, open));
    row.dataset.id = p.id;
    return Object.assign(row, { look, row, shown });
  }

  function buttons(p, open) {
    const button = (text, onclick, kind = '') => el('button', { type: 'button', class: `chip small ${kind}`, text, onclick });
    switch (p.state) {
      case 'draft': {
        const time = el('select', { 'aria-label': `Time for “${p.prompt}”`, onchange: () => seconds.set(p.id, Number(time.value)) },
          ...[[0, 'No time limit'], [15, '15 s'], [30, '30 s'], [60, '1 min'], [120, '2 min'], [300, '5 min']].map(([s, text]) => el('option', { value: String(s), text, selected: (seconds.get(p.id) ?? 60) === s })));
        return el('div', { class: 'sorting' },
          button('Open', () => {
            const s = seconds.get(p.id) ?? 60;
            act('poll.open', s > 0 ? { poll: p.id, seconds: s } : { poll: p.id }, 'The poll is open.');
          }, 'main'), time,
          button('Edit', () => compose(p)), iconButton('i-bin', `Discard “${p.prompt}”`, () => act('poll.discard', { poll: p.id }, 'Discarded.')));
      }
      case 'open': return el('div', { class: 'sorting' }, button('Close', () => act('poll.close', { poll: p.id }, 'The poll is closed.'), 'main'), right(p));
      case 'closed': return el('div', { class: 'sorting' }, button(p.results === 'never' ? (p.quiz ? 'Show what is right' : 'Finish') : 'Show the results', () => act('poll.reveal', { poll: p.id }, 'The results are shown.'), 'main'), right(p), again(p));
      default: return el('div', { class: 'sorting' }, button(open ? 'Fold' : 'Results', () => {
        folded.set(p.id, !open);
        render();
      }), again(p));
    }
  }

  const right = (p) => p.quiz && el('button', {
    type: 'button', class: 'chip small', text: 'Right answer', 'aria-pressed': String(told.has(p.id)), title: 'Shown here only. Mind who sees your screen.',
    onclick: () => {
      if (!told.delete(p.id)) {
        told.add(p.id);
      }
      render();
      [...rows.get(p.id).row.querySelectorAll('button')].find((b) => b.hasAttribute('aria-pressed'))?.focus({ preventScroll: true });
    },
  });

  const again = (p) => el('button', { type: 'button', class: 'chip small', text: 'Ask again', onclick: () => compose({ ...p, id: null }) });

  /** compose opens the editor for a draft, or for a new one. */
  function compose(from) {
    const form = el('form', { class: 'poll-form', autocomplete: 'off', 'aria-label': from?.id ? 'Change a poll' : 'New poll' });
    const field = (text, input) => el('label', { class: 'labelled' }, el('span', { text }), input);
    const template = el('select', {}, ...Object.entries(TEMPLATES).map(([key, t]) => el('option', { value: key, text: t.name })));
    const kind = el('select', {}, ...Object.entries(KINDS).map(([value, text]) => el('option', { value, text })));
    const prompt = el('textarea', { rows: 2, maxLength: 500, 'aria-label': 'Question', placeholder: 'What do you want to ask?' });
    const options = el('div', { class: 'poll-options' });
    const add = el('button', { type: 'button', class: 'quiet', text: 'One more answer', onclick: () => {
      option('', false);
      options.lastElementChild.querySelector('input[type=text]').focus();
    } });
    const quiz = el('input', { type: 'checkbox' });
    const changeable = el('input', { type: 'checkbox' });
    const anonymous = el('input', { type: 'checkbox' });
    const when = el('select', {}, ...Object.entries(RESULTS).map(([value, text]) => el('option', { value, text })));
    const min = el('input', { type: 'number', min: 0, max: 9, 'aria-label': 'From' });
    const max = el('input', { type: 'number', min: 1, max: 10, 'aria-label': 'To' });
    const range = el('div', { class: 'setup-row' }, el('span', { text: 'From' }), min, el('span', { text: 'to' }), max);
    const note = el('p', { class: 'poll-note', role: 'alert' });

    function option(text, right) {
      const n = options.childElementCount + 1;
      options.append(el('div', { class: 'poll-option' },
        el('input', { type: 'checkbox', class: 'right-box', checked: right, 'aria-label': `Answer ${n} is right` }),
        el('input', { type: 'text', maxLength: 200, value: text, 'aria-label': `Answer ${n}`, placeholder: `Answer ${n}` })));
      settle();
    }

    function settle() {
      const chosen = kind.value === 'single' || kind.value === 'multiple';
      const scale = kind.value === 'scale';
      options.hidden = !chosen && !scale;
      add.hidden = !chosen || options.childElementCount >= MOST_OPTIONS;
      range.hidden = !scale;
      quiz.closest('label').hidden = !chosen;
      form.classList.toggle('as-quiz', chosen && quiz.checked);
      [...options.querySelectorAll('input[type=text]')].forEach((input, i) => {
        if (scale) {
          input.placeholder = i === 0 ? 'What the lowest means' : 'What the highest means';
        } else {
          input.placeholder = `Answer ${i + 1}`;
        }
      });
    }

    function fill(p) {
      kind.value = p.kind;
      if (p.prompt !== undefined) {
        prompt.value = p.prompt;
      }
      options.replaceChildren();
      const texts = p.kind === 'scale' ? [p.options[0] ?? '', p.options[1] ?? ''] : p.options;
      texts.forEach((text, i) => option(text, p.correct?.includes(i) ?? false));
      min.value = String(p.kind === 'scale' ? p.min ?? 1 : 1);
      max.value = String(p.kind === 'scale' ? p.max ?? 5 : 5);
      settle();
    }

    const tick = (input, text) => el('label', { class: 'tick' }, input, el('span', { text }));
    form.append(
      from === null ? field('Begin with', template) : '',
      prompt,
      field('Kind', kind), el('p', { class: 'poll-note right-hint', text: 'Tick what is right.' }), options, add, range,
      el('div', { class: 'ticks' }, tick(quiz, 'Quiz: there is a right answer'), tick(changeable, 'Votes can be changed'), tick(anonymous, 'Nobody learns who voted what')),
      field('Students see the results', when), note,
      el('div', { class: 'editor-foot' },
        el('button', { class: 'chip small main', type: 'submit', text: 'Save' }),
        el('button', { class: 'chip small', type: 'button', text: 'Save and open for 1 min', onclick: () => save(true) }),
        el('button', { class: 'quiet', type: 'button', text: 'Cancel', onclick: close })),
    );
    template.addEventListener('change', () => fill(TEMPLATES[template.value]));
    kind.addEventListener('change', () => {
      if ((kind.value === 'scale' || kind.value === 'single' || kind.value === 'multiple') && options.childElementCount < 2) {
        option('', false);
        option('', false);
      }
      settle();
    });
    quiz.addEventListener('change', settle);
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      save(false);
    });

    async function save(open) {
      const texts = [...options.querySelectorAll('input[type=text]')].map((input) => input.value);
      const correct = [...options.querySelectorAll('.right-box')].flatMap((input, i) => (input.checked ? [i] : []));
      const { data, wrong } = draftOf({
        kind: kind.value, prompt: prompt.value, options: texts, correct, min: Number(min.value), max: Number(max.value),
        results: when.value, changeable: changeable.checked, quiz: quiz.checked, anonymous: anonymous.checked,
      });
      if (wrong) {
        write(note, wrong);
        return;
      }
      const id = from?.id ?? null;
      try {
        const ack = await session.send('poll.save', id ? { poll: id, ...data } : data);
        speaker.say('Saved.');
        close();
        if (open) {
          await act('poll.open', { poll: id ?? ack.id, seconds: 60 }, 'The poll is open for a minute.');
        }
      } catch (error) {
        write(note, refusal(error));
      }
    }

    function close() {
      box.hidden = true;
      box.replaceChildren();
      document.getElementById('poll-new').focus();
    }

    box.replaceChildren(form);
    box.hidden = false;
    quiz.checked = from?.quiz ?? false;
    changeable.checked = from?.changeable ?? false;
    anonymous.checked = from?.anonymous ?? false;
    when.value = from?.results ?? 'after';
    fill(from ?? TEMPLATES.yesno);
    prompt.focus();
  }

  setInterval(() => {
    const { date, now } = session.media();
    for (const p of room.polls.values()) {
      const place = rows.get(p.id)?.row.querySelector('.time-left');
      if (place) {
        // The host's own picture is late: what counts is the live edge.
        const ms = p.state === 'open' && p.closesAt ? p.closesAt - (date === null ? now : Math.max(date, now - 2000)) : null;
        write(place, ms === null ? '' : ms > 0 ? `${left(ms)} left` : 'last votes come in');
      }
    }
  }, 500);
  state.onChange((topic) => {
    if (topic === 'polls' || topic === 'all') {
      later();
    }
  });
}
