// The studio: what a host sees and does while teaching. How the parts fit together:
//
//   secret.mjs     the link's secret, and the pass it is exchanged for
//   status.mjs     how the stream arrives, how many watch; the address for OBS
//   polls.mjs  gauge.mjs  controls.mjs    what only hosts have
//   ../room        the room itself; its chat and questions show more to staff
//   ../watch       the preview is the player that students have

import { lesson } from '../watch/main.mjs';
import { announcements, closing, connection } from '../room/bars.mjs';
import { chat } from '../room/chat.mjs';
import { write } from '../room/element.mjs';
import { presence, shower } from '../room/feel.mjs';
import { questions } from '../room/questions.mjs';
import { createSession, kept } from '../room/session.mjs';
import { hands, restricted, settings } from '../room/staff.mjs';
import { tabs } from '../room/tabs.mjs';
import { voice } from '../room/voice.mjs';
import { sayings } from './controls.mjs';
import { gauge } from './gauge.mjs';
import { polls } from './polls.mjs';
import { createCredential } from './secret.mjs';
import { followStatus, statusPanel } from './status.mjs';

const CUE_MS = 250;

const body = document.body;
const id = lesson.page.dataset.id;
const credential = createCredential(kept(() => sessionStorage, `lectern.studio.${id}`));
const speaker = voice(document.getElementById('room-status'), document.getElementById('room-news'));
const session = createSession({
  grantUrl: body.dataset.grantUrl, socketUrl: body.dataset.socketUrl, keep: credential.keep, lesson, name: () => '', headers: credential.headers,
});
const { room } = session;

const talk = chat(session, speaker);
const asked = questions(session, speaker);
const stand = announcements(session, speaker);
const show = statusPanel(speaker, lesson.clock);
polls(session, speaker);
hands(session, speaker);
gauge(session);
restricted(session, speaker);
sayings(session, speaker);
settings(session, speaker);
shower(session, lesson.stage);
presence(session, document.getElementById('people'));
connection(session, speaker, document.getElementById('room-state'));
closing(session, speaker);

document.getElementById('question-filter').querySelector('[value=mine]').replaceWith(new Option('Dismissed', 'dismissed'));
document.getElementById('question-sort').append(new Option('Oldest', 'old'));

const chooser = tabs(document.getElementById('studio-tabs'), (tab) => {
  if (tab === 'tab-chat') {
    talk.shown();
  } else if (tab === 'tab-questions') {
    asked.render();
  }
  counts();
});
const narrow = matchMedia('(max-width: 63.99rem)');
const fit = () => (narrow.matches ? chooser.choose('tab-class') : chooser.settle('tab-chat'));
narrow.addEventListener('change', fit);
fit();

function counts() {
  count('count-chat', chooser.current === 'tab-chat' ? 0 : talk.unread);
  count('count-questions', asked.count());
  count('count-hands', room.hands.count);
}

function count(element, n) {
  document.getElementById(element).hidden = n === 0;
  write(document.getElementById(element), n > 99 ? '99+' : String(n));
}
setInterval(counts, 1000);
setInterval(stand, CUE_MS);

/** shut is for whoever has no link, or one that is no longer good. */
function shut() {
  body.dataset.shut = 'true';
  document.getElementById('locked-out').hidden = false;
}

session.onStanding(({ name, reason }) => {
  if (name === 'over' && reason === 'refused') {
    shut();
  }
});

let status = null;
function begin() {
  status?.stop();
  status = followStatus(body.dataset.statusUrl, credential.headers, (answer) => {
    if (answer === 'refused') {
      shut();
      return;
    }
    show(answer);
    if (answer?.token && !lesson.pass.has) {
      // The preview takes it from where a viewer's link has it.
      history.replaceState(history.state, '', `#t=${answer.token}`);
      window.dispatchEvent(new HashChangeEvent('hashchange'));
    }
  });
}

const dialog = document.getElementById('end');
document.getElementById('end-open').addEventListener('click', () => {
  write(document.getElementById('end-note'), '');
  dialog.showModal();
  dialog.querySelector('[type=submit]').focus();
});
document.getElementById('end-now').addEventListener('click', async ({ currentTarget: button }) => {
  button.disabled = true;
  try {
    const response = await fetch(body.dataset.endUrl, { method: 'POST', cache: 'no-store', referrerPolicy: 'no-referrer', headers: credential.headers() });
    if (!response.ok) {
      throw new Error(`end: ${response.status}`);
    }
    dialog.close();
    status?.ask();
  } catch {
    write(document.getElementById('end-note'), 'That did not work. Try again.');
  } finally {
    button.disabled = false;
  }
});

function enter() {
  delete body.dataset.shut;
  document.getElementById('locked-out').hidden = true;
  if (!credential.there) {
    shut();
    return;
  }
  begin();
  if (body.dataset.grantUrl === '') {
    document.getElementById('room').hidden = true; // the class has ended: there is no room any more
  } else {
    session.rejoin();
  }
}
credential.onNew(enter);
enter();
