// Hides the buttons while somebody just watches: never while paused, never while
// the keyboard is on them, never under the mouse.

const AFTER_MS = 3000;

export function idle(stage, video) {
  const bar = document.getElementById('bar');
  let timer = 0;

  const busy = () => video.paused || Boolean(stage.querySelector(':focus-visible, [aria-expanded="true"]')) || bar.matches(':hover');

  function wake() {
    stage.dataset.idle = 'false';
    clearTimeout(timer);
    timer = setTimeout(rest, AFTER_MS);
  }

  function rest() {
    if (busy()) {
      wake();
    } else {
      stage.dataset.idle = 'true';
    }
  }

  for (const type of ['pointermove', 'pointerdown', 'focusin', 'keydown']) {
    stage.addEventListener(type, wake);
  }
  document.addEventListener('keydown', wake);
  stage.addEventListener('pointerleave', (event) => {
    if (event.pointerType === 'mouse' && !busy()) {
      stage.dataset.idle = 'true';
    }
  });
  video.addEventListener('pause', wake);
  video.addEventListener('play', wake);
  wake();
}
