// The LIVE badge, how far behind, and the way back.

import { BEHIND_AFTER } from './view.mjs';
import { seconds, status } from './words.mjs';

export function liveBadge(player) {
  const badge = document.getElementById('live');
  const behind = document.getElementById('behind');
  const line = document.getElementById('status');
  const button = document.getElementById('jump');

  function jump() {
    if (!button.hidden) {
      const focused = document.activeElement === button;
      player.jumpToLive();
      button.hidden = true;
      if (focused) {
        document.getElementById('play').focus();
      }
    }
  }
  button.addEventListener('click', jump);

  function render({ view, media, latency }) {
    const on = view === 'live';
    const shown = media.started && (on || view === 'behind' || view === 'paused');
    badge.hidden = !shown;
    badge.dataset.on = String(on);
    const text = latency === null ? '' : `${seconds(latency)} behind`;
    write(behind, shown ? text : '');
    behind.hidden = !shown || text === '';
    write(line, status(view, latency));
    line.hidden = line.textContent === '';
    button.hidden = !(shown && media.lag !== null && media.lag > BEHIND_AFTER);
  }
  render.jump = jump;
  return render;
}

function write(element, text) {
  if (element.textContent !== text) {
    element.textContent = text;
  }
}
