// Single keys, which the viewer can switch off (WCAG 2.1.4): they get in the way of
// some speech input programs.

const OFF_KEY = 'lectern.shortcuts-off';
/** How far J, L and the arrows go, in seconds. */
const STEP_S = 10;
/** These may be held down. */
const SEEKING = /^(j|l|ArrowLeft|ArrowRight)$/i;

export function shortcuts({ jumpToLive, seekBy, seekToStart }) {
  const dialog = document.getElementById('help');
  const choice = document.getElementById('shortcuts-on');
  choice.checked = read() !== '1';
  choice.addEventListener('change', () => write(choice.checked ? '0' : '1'));

  const press = (id) => () => {
    const button = document.getElementById(id);
    if (!button.hidden && !button.closest('[hidden]')) {
      button.click();
    }
  };
  const keys = {
    ' ': press('play'),
    k: press('play'),
    m: press('mute'),
    c: press('captions'),
    f: press('fullscreen'),
    q: press('quality'),
    j: () => seekBy(-STEP_S),
    l: () => seekBy(STEP_S),
    arrowleft: () => seekBy(-STEP_S),
    arrowright: () => seekBy(STEP_S),
    home: seekToStart,
    end: jumpToLive,
    '?': () => dialog.showModal(),
  };

  document.addEventListener('keydown', (event) => {
    const run = keys[event.key.toLowerCase()];
    const again = event.repeat && !SEEKING.test(event.key);
    if (!run || !choice.checked || dialog.open || event.defaultPrevented || again || event.shiftKey && event.key.length > 1
      || event.ctrlKey || event.metaKey || event.altKey || isFor(event)) {
      return;
    }
    if (run() !== false) {
      event.preventDefault();
    }
  });
}

/** isFor says that the focused element wants the key for itself. */
function isFor({ key, target }) {
  if (!(target instanceof Element)) {
    return false;
  }
  const typing = target.closest('textarea, select, [contenteditable], input:not([type=range]):not([type=checkbox])');
  return Boolean(typing) || key === ' ' && Boolean(target.closest('button, a, summary, input'))
    || key.length > 1 && Boolean(target.closest('input, [role=menu]'));
}

function read() {
  try {
    return localStorage.getItem(OFF_KEY);
  } catch {
    return null;
  }
}

function write(value) {
  try {
    localStorage.setItem(OFF_KEY, value);
  } catch {
    // Storage is refused here; the choice lasts as long as the page.
  }
}
