// The class's room beside the video. How the parts fit together:
//
//   session.mjs      who one is, by a grant ──> socket.mjs   the protocol ──┐
//                                               close-codes.mjs             │ events
//   state.mjs        what the room is, folded from the snapshot and these <─┘
//   cues.mjs         what of it is to be seen at this moment of the lecture
//   chat.mjs (composer.mjs)  questions.mjs  poll-card.mjs (results.mjs)  feel.mjs  bars.mjs
//                            name.mjs  mentions.mjs  staff.mjs     show it
//   replay.mjs       beside the recording, by transcript.mjs; recorded.mjs on a page that began with it
//   tabs.mjs  voice.mjs  element.mjs  plain.mjs  room-words.mjs      are what these are made of
//
// The video knows nothing of it, and plays whatever becomes of the room.

import { lesson } from '../watch/main.mjs';
import { takeFromAddress } from '../watch/token-text.mjs';
import { announcements, closing, connection } from './bars.mjs';
import { chat } from './chat.mjs';
import { write } from './element.mjs';
import { feel, presence, shower } from './feel.mjs';
import { createName } from './name.mjs';
import { pollCard } from './poll-card.mjs';
import { questions } from './questions.mjs';
import { replay } from './replay.mjs';
import { createSession, kept } from './session.mjs';
import { hands, restricted, settings } from './staff.mjs';
import { tabs } from './tabs.mjs';
import { voice } from './voice.mjs';

/** How often it is looked whether a cue is due. */
const CUE_MS = 100;

const side = document.getElementById('room');
const name = createName(() => session.rejoin());
const keep = kept(() => localStorage, `lectern.room.${lesson.page.dataset.id}`);

/** fromAddress becomes who the link says, such as a moderator, or somebody whom the school knows. */
function fromAddress() {
  const pass = takeFromAddress('p');
  if (pass) {
    keep.write(pass);
  }
  return pass;
}
fromAddress();
window.addEventListener('hashchange', () => {
  if (fromAddress()) {
    location.reload();
  }
});

const session = createSession({
  grantUrl: side.dataset.grantUrl,
  socketUrl: side.dataset.socketUrl,
  keep,
  lesson,
  name: name.read,
  headers: () => lesson.pass.headers(),
});
const { room } = session;
const speaker = voice(document.getElementById('room-status'), document.getElementById('room-news'));

const named = () => name.wanted(room.settings.names === 'anonymous' || Boolean(room.me?.name));
const talk = chat(session, speaker, named);
const asked = questions(session, speaker, named);
const poll = pollCard(session, speaker, lesson.stage);
const stand = announcements(session, speaker);
feel(session, speaker);
shower(session, lesson.stage);
presence(session, document.getElementById('people'));
connection(session, speaker, document.getElementById('room-state'));
closing(session, speaker);
hands(session, speaker);
restricted(session, speaker);
settings(session, speaker);

const chooser = tabs(side.querySelector('[role=tablist]'), (id) => {
  if (id === 'tab-chat') {
    talk.shown();
  } else if (id === 'tab-questions') {
    asked.render();
  }
  counts();
});

function counts() {
  count('count-chat', chooser.current === 'tab-chat' ? 0 : talk.unread, 'new');
  count('count-questions', asked.count(), 'open');
  count('count-hands', room.hands.count, 'up');
}

function count(id, n, what) {
  const element = side.querySelector(`#${id}`);
  element.hidden = n === 0;
  write(element, n > 99 ? '99+' : String(n));
  element.title = `${n} ${what}`;
}

const handsTab = document.getElementById('tab-hands');
const nameButton = document.getElementById('name-change');
nameButton.addEventListener('click', name.ask);

session.state.onChange((topic) => {
  if (topic === 'all') {
    handsTab.hidden = !session.may('triage');
    chooser.settle('tab-chat');
  }
  nameButton.hidden = room.me === null || session.standing.name === 'over' || room.settings.names === 'anonymous' || (room.me.name !== '' && name.read() === '');
  write(nameButton, room.me?.name ? `As ${room.me.name}` : 'Choose a name');
  if (topic === 'announcements' || topic === 'all') {
    stand();
  }
});
setInterval(counts, 1000);
setInterval(() => {
  poll();
  stand();
}, CUE_MS);

session.onStanding(({ name: standing, reason }) => {
  side.dataset.reason = reason ?? '';
  if (standing === 'over' && reason === 'no_room') {
    side.remove(); // the page is as if there had never been one
    document.getElementById('polls')?.remove();
  }
});
lesson.pass.onNew(() => {
  if (session.standing.name === 'over' && session.standing.reason === 'refused') {
    session.start();
  }
});
session.start();
replay(lesson, side);

// For tests and for the curious.
Object.defineProperty(window, 'lecternRoom', {
  value: Object.freeze({ drop: session.drop, media: session.media, get standing() { return session.standing; }, get me() { return room.me?.id; }, get polls() { return [...room.polls.values()]; } }),
});
