// The poll that a viewer sees now, over the picture where there is room for it, below
// it on phones. It comes and goes with the moment of the lecture and never takes the
// focus.

import { deadlineOf, missedPoll, pollToShow, withTold } from './cues.mjs';
import { el, iconButton, write } from './element.mjs';
import { left, refusal } from './room-words.mjs';
import { chosenOf, labelsOf, results } from './results.mjs';

/** pollCard shows it; the function it returns is to be called ten times a second. */
export function pollCard(session, speaker, stage) {
  const { room, state } = session;
  const box = document.getElementById('polls');
  const wide = matchMedia('(min-width: 60rem)');
  const away = new Set();
  let look = '';
  let shown = null; // { poll, phase }
  let missed = null; // id of a poll that the room could not tell of
  let live = null; // parts of the card that change
  let small = false;
  let changing = false; // a vote
  let spoken = '';

  function settle() {
    const over = wide.matches || document.fullscreenElement === stage;
    box.classList.toggle('over', over);
    if (over && box.parentElement !== stage) {
      stage.append(box);
    } else if (!over && box.parentElement === stage) {
      stage.after(box);
    }
  }
  wide.addEventListener('change', settle);
  document.addEventListener('fullscreenchange', settle);
  settle();

  function render() {
    const media = session.media();
    const extraTime = room.me?.extraTime ?? 0;
    session.told.look();
    const cues = session.told.all();
    const polls = withTold([...room.polls.values()], cues);
    let next = pollToShow(polls, media, { away, extraTime });
    missed = session.away() && !(next?.phase === 'open' && !next.poll.mine) ? missedPoll(polls, cues, media) : null;
    if (missed !== null) {
      next = null;
    }
    const nextLook = next === null ? missed ?? '' : JSON.stringify([next.poll.id, next.phase, next.poll.mine, small, changing, Boolean(next.poll.final ?? next.poll.tally), next.poll.correct, session.may('vote'), room.settings.paused]);
    if (nextLook !== look) {
      if (next?.poll.id !== shown?.poll.id) {
        changing = false;
        small = false;
      }
      look = nextLook;
      shown = next;
      build();
    }
    if (shown === null) {
      return;
    }
    live?.results?.update(shown.poll);
    const deadline = shown.phase === 'open' ? deadlineOf(shown.poll, extraTime) : null;
    write(live.time, deadline === null ? '' : `${left(deadline - (media.date ?? media.now))} left`);
  }

  const titles = { open: 'Poll', closed: 'Poll closed', revealed: 'Results' };

  function build() {
    const had = box.contains(document.activeElement);
    box.hidden = shown === null && missed === null;
    live = { time: el('span', { class: 'time-left' }), results: null };
    if (shown === null) {
      box.replaceChildren(...(missed === null ? [] : [notice()]));
      if (had) {
        document.getElementById('tab-chat').focus();
      }
      return;
    }
    const { poll, phase } = shown;
    const title = poll.quiz ? titles[phase].replace('Poll', 'Quiz') : titles[phase];
    const key = `${poll.id}/${phase}`;
    if (spoken !== key) {
      spoken = key;
      speaker.say(phase === 'open' ? `${title}: ${poll.prompt}` : `${title}.`);
    }
    const head = el('header', { class: 'poll-head' },
      el('h2', { text: title }), live.time,
      iconButton(small ? 'i-up' : 'i-minus', small ? 'Show the poll' : 'Make small', () => {
        small = !small;
        render();
        box.querySelector('.poll-head button')?.focus();
      }, { 'aria-expanded': String(!small) }),
      phase !== 'open' || poll.mine ? iconButton('i-close', 'Put away', () => {
        away.add(key);
        render();
      }) : null);
    const open = phase === 'open' && session.may('vote') && (!poll.mine || changing);
    const card = el('div', { class: 'poll-card' }, head);
    if (!small) {
      card.append(el('p', { class: 'prompt', id: 'poll-prompt', dir: 'auto', text: poll.prompt }));
      if (open) {
        card.append(ballot(poll));
        if (poll.closesAt && room.me.extraTime > 0) {
          card.append(el('p', { class: 'poll-note', text: 'You have more time than others.' }));
        }
      } else {
        card.append(...outcome(poll, phase));
      }
    }
    box.replaceChildren(card);
    if (had) {
      (card.querySelector('.poll-note') ?? card.querySelector('.poll-head button'))?.focus();
    }
  }

  /** notice stands for a poll of which only the playlists tell. */
  function notice() {
    const text = 'A poll is open. Reconnecting to the class’s room…';
    if (spoken !== missed) {
      spoken = missed;
      speaker.say(text);
    }
    return el('div', { class: 'poll-card' }, el('header', { class: 'poll-head' }, el('h2', { text: titles.open })), el('p', { class: 'poll-note', text }));
  }

  function outcome(poll, phase) {
    const parts = [];
    const right = chosenOf(poll);
    if (poll.quiz && phase === 'revealed' && poll.correct && poll.mine) {
      const good = right.length === poll.correct.length && right.every((c) => poll.correct.includes(c));
      parts.push(el('p', { class: `verdict ${good ? 'good' : 'bad'}`, text: good ? 'Your answer is right.' : 'Your answer is not right.' }));
    }
    const seen = (phase === 'revealed' && poll.final) || (poll.results === 'live' && poll.tally) || (phase === 'revealed' && poll.correct);
    if (seen) {
      live.results = results(poll);
      parts.push(live.results.element);
    } else if (poll.mine) {
      parts.push(el('p', { class: 'your-vote' }, 'Your vote: ', el('strong', { dir: 'auto', text: poll.mine.text ?? right.map((i) => labelsOf(poll)[i]).join(', ') })));
    }
    if (phase === 'open' && poll.mine) {
      parts.push(el('p', { class: 'poll-note', tabIndex: -1 }, 'Your vote counts. ',
        poll.changeable ? el('button', { type: 'button', class: 'quiet', text: 'Change it', onclick: () => {
          changing = true;
          render();
          box.querySelector('input')?.focus();
        } }) : null));
    } else if (phase === 'closed') {
      parts.push(el('p', { class: 'poll-note', tabIndex: -1, text: poll.results === 'after' ? 'The teacher may show the results soon.' : 'No more votes are taken.' }));
    } else if (!session.may('vote')) {
      parts.push(el('p', { class: 'poll-note', text: 'You can look on here.' }));
    }
    return parts;
  }

  function ballot(poll) {
    const { paused } = room.settings;
    const note = el('p', { class: 'poll-note', role: 'alert', text: paused ? 'The teacher has paused the room.' : '' });
    const button = el('button', { class: 'chip main', type: 'submit', text: 'Vote', disabled: paused });
    const mine = chosenOf(poll);
    let field;
    let read;
    if (poll.kind === 'text' || poll.kind === 'cloud') {
      const input = el(poll.kind === 'text' ? 'textarea' : 'input', { 'aria-labelledby': 'poll-prompt', maxLength: poll.kind === 'text' ? 200 : 30, value: poll.mine?.text ?? '', autocomplete: 'off' });
      field = el('div', { class: 'ballot' }, input);
      read = () => (input.value.trim() === '' ? null : { text: input.value.trim() });
    } else {
      const type = poll.kind === 'multiple' ? 'checkbox' : 'radio';
      field = el('fieldset', { class: `ballot${poll.kind === 'scale' ? ' scale' : ''}`, 'aria-labelledby': 'poll-prompt' },
        ...labelsOf(poll).map((label, i) => el('label', { class: 'option' }, el('input', { type, name: 'ballot', value: String(i), checked: mine.includes(i), 'aria-label': poll.kind === 'scale' && label }),
          el('span', { dir: 'auto', text: poll.kind === 'scale' ? String(poll.min + i) : label }))));
      read = () => {
        const choices = [...field.querySelectorAll('input:checked')].map((input) => Number(input.value));
        if (choices.length === 0) {
          return null;
        }
        return poll.kind === 'scale' ? { value: choices[0] + poll.min } : { choices };
      };
    }
    return el('form', { onsubmit: (event) => {
      event.preventDefault();
      const vote = read();
      if (vote === null) {
        write(note, poll.kind === 'text' || poll.kind === 'cloud' ? 'Write something first.' : 'Choose something first.');
        return;
      }
      cast(poll, vote, button, note);
    } }, field,
    poll.kind === 'scale' && poll.options.length === 2 && el('p', { class: 'ends', 'aria-hidden': 'true' }, ...poll.options.map((text, i) => el('span', { dir: 'auto', text: `${i === 0 ? poll.min : poll.max}: ${text}` }))),
    poll.kind === 'multiple' && el('p', { class: 'poll-note', text: 'Choose as many as you like.' }), note, el('div', { class: 'cast' }, button));
  }

  async function cast(poll, vote, button, note) {
    button.disabled = true;
    const { date } = session.media();
    try {
      await session.send('poll.vote', { poll: poll.id, ...vote, ...(date === null ? {} : { media_ts: Math.round(date) }) });
      changing = false;
      state.polled(poll.id, vote);
      speaker.say('Your vote counts.');
    } catch (error) {
      write(note, refusal(error, 'vote'));
      button.disabled = false;
    }
    render();
  }

  state.onChange((topic) => {
    if (topic === 'polls' || topic === 'settings' || topic === 'all') {
      render();
    }
  });
  return render;
}
