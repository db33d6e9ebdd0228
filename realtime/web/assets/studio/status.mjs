// How the class does: asks the server every few seconds, and shows what the encoder
// sends, what is wrong with it, and how many watch.

import { arrange, el, write } from '../room/element.mjs';
import { left } from '../room/room-words.mjs';

const EVERY_MS = 3000;
const TIMEOUT_MS = 8000;

const AIR = { scheduled: 'Not live yet', live: 'Live', interrupted: 'Interrupted', ended: 'Ended' };

/** verdict says how the stream does: { level, text }; level is good, waiting, bad or over. */
export function verdict(status) {
  if (status === null) {
    return { level: 'waiting', text: 'The server cannot be reached. Asking again.' };
  }
  switch (status.state) {
    case 'ended': return { level: 'over', text: 'The class has ended.' };
    case 'interrupted': return { level: 'bad', text: 'Nothing arrives from your encoder. Students see that the connection dropped; start streaming again and the class goes on.' };
    case 'scheduled': return status.ingest
      ? { level: 'waiting', text: 'Your encoder is connected. The class goes live in a moment.' }
      : { level: 'waiting', text: 'Start streaming in OBS: the class goes live by itself.' };
    default:
  }
  if (!status.ingest) {
    return { level: 'bad', text: 'Nothing arrives from your encoder.' };
  }
  return (status.problems ?? []).length > 0 ? { level: 'bad', text: 'Your stream arrives, but not well.' } : { level: 'good', text: 'Your stream arrives and is sent on.' };
}

/** factsOf lists what comes in: [[name, value]]. */
export function factsOf(ingest) {
  if (!ingest) {
    return [];
  }
  const facts = [];
  if (ingest.height) {
    facts.push(['Picture', `${ingest.width} × ${ingest.height}${ingest.frame_rate ? `, ${Math.round(ingest.frame_rate)} fps` : ''}`]);
  }
  if (ingest.bit_rate) {
    facts.push(['Bit rate', ingest.bit_rate >= 1e6 ? `${(ingest.bit_rate / 1e6).toFixed(1)} Mbit/s` : `${Math.round(ingest.bit_rate / 1e3)} kbit/s`]);
  }
  const codecs = [ingest.video_codec, ingest.audio_codec].filter(Boolean).join(', ');
  if (codecs) {
    facts.push(['Coding', codecs]);
  }
  facts.push(['By', ingest.protocol.toUpperCase()]);
  if (!ingest.audio_codec) {
    facts.push(['Sound', 'none']);
  }
  return facts;
}

/** followStatus asks until it is refused. on hears of each answer, null for none, and 'refused'. */
export function followStatus(url, headers, on) {
  let timer = 0;
  let over = false;

  async function ask() {
    clearTimeout(timer);
    try {
      const response = await fetch(url, { cache: 'no-store', referrerPolicy: 'no-referrer', headers: headers(), signal: AbortSignal.timeout(TIMEOUT_MS) });
      const answer = response.ok ? await response.json() : null;
      if (over) {
        return;
      }
      if (response.status === 403) {
        over = true;
        on('refused');
      } else {
        on(answer);
      }
    } catch {
      if (!over) {
        on(null);
      }
    }
    clearTimeout(timer);
    if (!over) {
      timer = setTimeout(ask, document.hidden ? 4 * EVERY_MS : EVERY_MS);
    }
  }
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden && !over) {
      ask();
    }
  });
  ask();
  return {
    ask,
    stop() {
      over = true;
      clearTimeout(timer);
    },
  };
}

/** statusPanel shows an answer. */
export function statusPanel(speaker, clock) {
  const part = (id) => document.getElementById(id);
  const air = part('air');
  const time = part('air-time');
  let spoken = '';
  let opened = null; // whether the server and key are shown, null: as the state says
  let last = null;

  part('setup-open').addEventListener('click', () => {
    opened = part('setup').hidden;
    render(last);
  });
  part('setup-show').addEventListener('click', ({ currentTarget }) => {
    const key = part('setup-key');
    const show = key.type === 'password';
    key.type = show ? 'text' : 'password';
    currentTarget.setAttribute('aria-pressed', String(show));
    write(currentTarget, show ? 'Hide' : 'Show');
  });
  const copy = (text, done) => navigator.clipboard?.writeText(text).then(() => speaker.say(done), () => speaker.say('Copying is not allowed here.'));
  for (const button of document.querySelectorAll('[data-copy]')) {
    button.addEventListener('click', () => {
      copy(part(button.dataset.copy).value, 'Copied.');
      write(button, 'Copied');
      setTimeout(() => write(button, 'Copy'), 2000);
    });
  }
  part('watch-link').addEventListener('click', ({ currentTarget }) => {
    copy(new URL(currentTarget.dataset.link, location.href).href, 'The link is copied.');
    write(currentTarget, 'Copied');
    setTimeout(() => write(currentTarget, 'Copy the link for viewers'), 2000);
  });

  function render(status) {
    last = status;
    const { level, text } = verdict(status);
    part('health').dataset.level = level;
    write(part('health-state'), text);
    if (text !== spoken) {
      if (spoken !== '') {
        speaker.say(text);
      }
      spoken = text;
    }
    if (status === null) {
      return;
    }
    write(air, AIR[status.state]);
    document.body.dataset.air = status.state;
    write(part('viewers'), `${status.viewers.toLocaleString('en-GB')} watching`);
    part('viewers').hidden = status.state === 'scheduled' && status.viewers === 0;
    const problems = status.problems ?? [];
    part('problems').hidden = problems.length === 0;
    arrangeTexts(part('problems'), problems);
    const facts = factsOf(status.ingest);
    part('ingest').hidden = facts.length === 0;
    const look = JSON.stringify(facts);
    if (part('ingest').dataset.look !== look) {
      part('ingest').dataset.look = look;
      part('ingest').replaceChildren(...facts.map(([name, value]) => el('div', {}, el('dt', { text: name }), el('dd', { text: value }))));
    }
    const there = Boolean(status.stream_key);
    const show = there && (opened ?? (status.state === 'scheduled' && !status.ingest));
    part('setup').hidden = !show;
    part('setup-open').hidden = !there;
    part('setup-open').setAttribute('aria-expanded', String(show));
    for (const [id, value] of [['setup-server', status.server ?? ''], ['setup-key', status.stream_key ?? '']]) {
      if (part(id).value !== value) {
        part(id).value = value;
      }
    }
    part('end-open').hidden = status.state === 'ended' || status.state === 'scheduled';
    tick();
  }

  function tick() {
    const since = last?.live_since && last.state !== 'ended' ? Date.parse(last.live_since) : null;
    time.hidden = since === null;
    write(time, since === null ? '' : left(clock.now() - since));
  }
  setInterval(tick, 1000);
  return render;
}

function arrangeTexts(list, texts) {
  if (list.dataset.look !== texts.join('|')) {
    list.dataset.look = texts.join('|');
    arrange(list, texts.map((text) => el('li', { text })));
  }
}
