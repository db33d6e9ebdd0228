// What the viewer wants to see: 'auto', 'sound' (no video), or a size such as 480.
// It is kept for the next visit.

const KEY = 'lectern.quality';

/** readChoice understands what was written before, by this or another version. */
export function readChoice(text) {
  if (text === 'sound') {
    return 'sound';
  }
  return /^[1-9]\d{1,3}$/.test(text ?? '') ? Number(text) : 'auto';
}

export function recallChoice() {
  try {
    return readChoice(localStorage.getItem(KEY));
  } catch {
    return 'auto';
  }
}

export function rememberChoice(choice) {
  try {
    localStorage.setItem(KEY, String(choice));
  } catch {
    // Storage is refused here; the choice lasts as long as the page.
  }
}

/** inForce is what becomes of a wish while only these sizes are to be had. */
export function inForce(wish, { sizes, sound }) {
  if (wish === 'sound') {
    return sound ? 'sound' : 'auto';
  }
  return sizes.includes(wish) ? wish : 'auto';
}

/**
 * entries are the lines of the menu, best first.
 *
 * @param quality { sizes, sound, playing, choice } see player.mjs
 * @returns [{ key, value, text, checked }], or none where there is nothing to choose
 */
export function entries({ sizes, sound, playing, choice }) {
  if (sizes.length < 2 && !sound) {
    return [];
  }
  const auto = choice === 'auto' && playing ? `Auto (${playing}p)` : 'Auto';
  const all = [{ value: 'auto', text: auto }];
  // One size is no choice: Auto is the same.
  if (sizes.length > 1) {
    all.push(...sizes.map((size) => ({ value: size, text: `${size}p` })));
  }
  if (sound) {
    all.push({ value: 'sound', text: 'Sound only' });
  }
  return all.map((e) => ({ ...e, key: String(e.value), checked: e.value === choice }));
}

/** short is what stands on the button. */
export function short(choice) {
  switch (choice) {
    case 'auto': return 'Auto';
    case 'sound': return 'Sound';
    default: return `${choice}p`;
  }
}

/** spokenChoice is what a screen reader hears after a choice. */
export function spokenChoice(choice) {
  switch (choice) {
    case 'auto': return 'Quality: automatic.';
    case 'sound': return 'Sound only. The video is off.';
    default: return `Quality: ${choice}p.`;
  }
}
