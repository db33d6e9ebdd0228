// What one shows without words: a raised hand, reactions, and how the pace is.

import { el, icon, write } from './element.mjs';
import { ordinal, REACTIONS, refusal } from './room-words.mjs';

/** The server forgets a pulse after a minute, so this page does too. */
const PULSE_MS = 60000;
/** Having the word is shown for so long. */
const WORD_MS = 60000;
/** So many pictures rise in a second, however many people react. */
const RISE = 6;

const REACTION_MS = 400;

export function feel(session, speaker) {
  const { room, state } = session;
  const box = document.getElementById('feel');
  const hand = document.getElementById('hand');
  const handText = document.getElementById('hand-text');
  const word = document.getElementById('word');
  const pulses = [...box.querySelectorAll('[data-pulse]')];
  let reactedAt = -Infinity;
  let wordUntil = 0;
  let pulseTimer = 0;

  document.getElementById('reactions').append(...Object.entries(REACTIONS).map(([kind, name]) => el('button', {
    type: 'button', class: 'reaction', 'aria-label': name, title: name,
    onclick: ({ currentTarget }) => {
      if (performance.now() - reactedAt < REACTION_MS) {
        return;
      }
      reactedAt = performance.now();
      if (session.quiet('react', { kind })) {
        currentTarget.classList.remove('sent');
        void currentTarget.offsetWidth; // begins the animation anew
        currentTarget.classList.add('sent');
        speaker.say(`${name} sent.`);
      }
    },
  }, icon(`r-${kind}`))));

  hand.addEventListener('click', () => {
    const up = room.handPosition > 0;
    session.send(up ? 'hand.lower' : 'hand.raise', {}).then(
      () => speaker.say(up ? 'Your hand is down.' : 'Your hand is up.'),
      (error) => speaker.say(refusal(error)),
    );
  });

  for (const button of pulses) {
    button.addEventListener('click', () => {
      if (!session.quiet('pulse', { kind: button.dataset.pulse })) {
        return;
      }
      press(button);
      speaker.say('The teacher sees it, without your name.');
      clearTimeout(pulseTimer);
      pulseTimer = setTimeout(() => press(null), PULSE_MS);
    });
  }

  // On phones most of it is behind two buttons, so that there is room for the chat.
  for (const [id, shows] of [['react-open', 'with-reactions'], ['pace-open', 'with-pace']]) {
    const button = document.getElementById(id);
    button.addEventListener('click', () => {
      const open = button.getAttribute('aria-expanded') !== 'true';
      button.setAttribute('aria-expanded', String(open));
      box.classList.toggle(shows, open);
    });
  }

  function press(button) {
    for (const other of pulses) {
      other.setAttribute('aria-pressed', String(other === button));
    }
  }

  function render() {
    box.hidden = !(session.may('react') || session.may('hand')) || session.may('staff') || Boolean(room.settings.paused);
    const n = room.handPosition;
    hand.hidden = !session.may('hand');
    hand.setAttribute('aria-pressed', String(n > 0));
    write(handText, n === 0 ? 'Raise hand' : n === 1 ? 'You are next' : `You are ${ordinal(n)}`);
    const called = performance.now() < wordUntil;
    word.hidden = !called;
    write(word, called ? 'The teacher calls you: you have the word.' : '');
  }

  state.onChange((topic, event) => {
    if (topic === 'hands' && event?.type === 'hand.called' && event.data.participant === room.me?.id) {
      wordUntil = performance.now() + WORD_MS;
      setTimeout(render, WORD_MS + 100);
      speaker.say('The teacher calls you: you have the word.');
    }
    if (['hands', 'all', 'settings'].includes(topic)) {
      render();
    }
  });
}

/** shower lets reactions rise over the picture; those who want no motion see the numbers. */
export function shower(session, stage) {
  const layer = el('div', { class: 'shower', 'aria-hidden': 'true' });
  stage.append(layer);
  const calm = matchMedia('(prefers-reduced-motion: reduce)');
  session.state.onChange((topic, counts) => {
    if (topic !== 'reactions' || document.hidden) {
      return;
    }
    const kinds = Object.entries(counts).filter(([kind]) => Object.hasOwn(REACTIONS, kind)).sort((a, b) => b[1] - a[1]);
    if (calm.matches) {
      layer.replaceChildren(...kinds.slice(0, 3).map(([kind, n]) => el('span', { class: 'still' }, icon(`r-${kind}`), String(n))));
      setTimeout(() => layer.replaceChildren(), 2500);
      return;
    }
    const all = kinds.reduce((sum, [, n]) => sum + n, 0);
    for (const [kind, n] of kinds) {
      const some = Math.min(n, Math.max(1, Math.round((RISE * n) / Math.max(all, RISE))));
      for (let i = 0; i < some && layer.childElementCount < 3 * RISE; i += 1) {
        const one = el('span', { class: `rising kind-${kind}`, onanimationend: ({ currentTarget }) => currentTarget.remove() }, icon(`r-${kind}`));
        one.style.setProperty('--x', `${Math.round(Math.random() * 100)}%`);
        one.style.setProperty('--wait', `${Math.round(Math.random() * 800)}ms`);
        layer.append(one);
      }
    }
  });
}

/** presence writes how many are here. */
export function presence(session, element) {
  session.state.onChange((topic) => {
    if (topic === 'presence' || topic === 'all') {
      const n = session.room.presence.participants;
      element.hidden = session.room.me === null;
      write(element, `${n.toLocaleString('en-GB')} in the room`);
    }
  });
}
