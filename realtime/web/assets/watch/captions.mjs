// The captions button. It works on the video's text tracks, which hls.js and Safari
// both fill, and it exists only if there are any. With several languages each press
// goes to the next, then to none.

import { label } from './controls.mjs';

export function captions(video) {
  const button = document.getElementById('captions');

  const tracks = () => Array.from(video.textTracks).filter((t) => t.kind === 'subtitles' || t.kind === 'captions');

  button.addEventListener('click', () => {
    const all = tracks();
    const next = all.findIndex((t) => t.mode === 'showing') + 1;
    all.forEach((track, i) => { track.mode = i === next ? 'showing' : 'disabled'; });
  });

  return () => {
    const all = tracks();
    const on = all.find((t) => t.mode === 'showing');
    button.hidden = all.length === 0;
    button.setAttribute('aria-pressed', String(Boolean(on)));
    const language = all.length > 1 && on ? `: ${on.label || on.language}` : '';
    label(button, `Captions${language}`, 'c');
  };
}
