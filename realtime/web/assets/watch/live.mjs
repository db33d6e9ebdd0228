// The LIVE badge, how far behind, and the way back.

import { BEHIND_AFTER } from './view.mjs';
import { seconds, status } from './words.mjs';

/** liveBadge shows it; leave is called before it takes the viewer elsewhere. */
export function liveBadge(player, leave) {
  const badge = document.getElementById('live');
  const behind = document.getElementById('behind');
  const line = document.getElementById('status');
  const button = document.getElementById('jump');

  function jump() {
    if (button.hidden) {
      return false;
    }
    const focused = document.activeElement === button;
    leave();
    player.jumpToLive();
    button.hidden = true;
    if (focused) {
      document.getElementById('play').focus();
    }
    return true;
  }
  button.addEventListener('click', jump);

  function render({ cls, view, media, latency }) {
    const on = view === 'live';
    const shown = media.started && (on || view === 'behind' || (view === 'paused' && media.lag !== null));
    badge.hidden = !shown;
    badge.dataset.on = String(on);
    const text = latency === null ? '' : `${seconds(latency)} behind`;
    write(behind, shown ? text : '');
    behind.hidden = !shown || text === '';
    write(line, status(view, latency));
    line.hidden = line.textContent === '';
    const past = media.past && cls.state !== 'ended' && view !== 'ended' && view !== 'recording';
    button.hidden = !past && !(shown && media.lag !== null && media.lag > BEHIND_AFTER);
  }
  render.jump = jump;
  return render;
}

function write(element, text) {
  if (element.textContent !== text) {
    element.textContent = text;
  }
}
