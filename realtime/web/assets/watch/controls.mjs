// The buttons of the player.

import { inFullscreen, pictureInPicture, toggleFullscreen } from './screen.mjs';

export function controls(stage, video, sound) {
  const bar = document.getElementById('bar');
  const play = document.getElementById('play');
  const bigPlay = document.getElementById('big-play');
  const mute = document.getElementById('mute');
  const volume = document.getElementById('volume');
  const full = document.getElementById('fullscreen');
  const pip = document.getElementById('pip');
  const help = document.getElementById('help-open');
  const dialog = document.getElementById('help');

  play.addEventListener('click', sound.toggle);
  bigPlay.addEventListener('click', sound.toggle);
  mute.addEventListener('click', sound.toggleMute);
  volume.addEventListener('input', () => sound.setVolume(volume.valueAsNumber / 100));
  full.addEventListener('click', () => toggleFullscreen(stage, video));
  help.addEventListener('click', () => dialog.showModal());

  const toggleWindow = pictureInPicture(video);
  pip.hidden = toggleWindow === null;
  pip.addEventListener('click', () => toggleWindow());

  // A click on the picture itself: play with a mouse, nothing with a finger, which
  // only wants to see the buttons (idle.mjs).
  let pointer = 'mouse';
  video.addEventListener('pointerdown', (event) => { pointer = event.pointerType; });
  video.addEventListener('click', () => {
    if (pointer === 'mouse' && !bar.hidden) {
      sound.toggle();
    }
  });
  video.addEventListener('dblclick', () => {
    if (pointer === 'mouse') {
      toggleFullscreen(stage, video);
    }
  });

  return ({ view, media }) => {
    bar.hidden = !(media.started || media.blocked) || view === 'ended' || view === 'gone' || view === 'locked';
    bigPlay.hidden = view !== 'paused';
    label(play, video.paused ? 'Play' : 'Pause', 'k');
    play.dataset.on = String(!video.paused);
    const silent = video.muted || video.volume === 0;
    label(mute, silent ? 'Unmute' : 'Mute', 'm');
    mute.dataset.on = String(!silent);
    const percent = String(silent ? 0 : Math.round(video.volume * 100));
    if (volume.value !== percent) {
      volume.value = percent;
    }
    volume.style.setProperty('--value', `${percent}%`);
    label(full, inFullscreen() ? 'Leave full screen' : 'Full screen', 'f');
    full.dataset.on = String(inFullscreen());
  };
}

/** label names a button for everybody: the reader hears it, the mouse sees it. */
export function label(button, text, key) {
  if (button.getAttribute('aria-label') !== text) {
    button.setAttribute('aria-label', text);
    button.title = `${text} (${key})`;
  }
}
