// The results of a poll, as bars, words or texts. Used by both pages.

import { el, write } from './element.mjs';
import { many } from './room-words.mjs';

/** share is n of all in percent, rounded. */
export const share = (n, all) => (all > 0 ? Math.round((100 * n) / all) : 0);

/** labelsOf names what can be voted for. */
export function labelsOf(poll) {
  if (poll.kind !== 'scale') {
    return poll.options;
  }
  return Array.from({ length: poll.max - poll.min + 1 }, (_, i) => {
    const end = i === 0 ? poll.options[0] : i === poll.max - poll.min ? poll.options[1] : '';
    return end ? `${poll.min + i} – ${end}` : String(poll.min + i);
  });
}

/** chosenOf are the positions that a vote is for. */
export function chosenOf(poll) {
  if (!poll.mine) {
    return [];
  }
  return poll.kind === 'scale' ? [poll.mine.value - poll.min] : poll.mine.choices ?? [];
}

/**
 * results makes the element and keeps it up to date: { element, update(poll) }. Bars
 * move, the rest of the element stays.
 */
export function results(poll) {
  const element = el('div', { class: 'results' });
  const total = el('p', { class: 'voters' });
  let bars = [];
  let words = null;
  if (poll.kind === 'cloud' || poll.kind === 'text') {
    words = el('ul', { class: poll.kind === 'cloud' ? 'cloud' : 'texts' });
    element.append(words);
  } else {
    bars = labelsOf(poll).map((label) => {
      const number = el('span', { class: 'number' });
      const mark = el('span', { class: 'mark' });
      const row = el('li', { class: 'bar-row' },
        el('span', { class: 'bar-label' }, el('span', { dir: 'auto', text: label }), mark), number, el('span', { class: 'track', 'aria-hidden': 'true' }, el('span', { class: 'fill' })));
      return { row, number, mark };
    });
    element.append(el('ol', { class: 'bars' }, ...bars.map(({ row }) => row)));
  }
  element.append(total);

  function update(now) {
    const tally = now.final ?? now.tally;
    const counts = tally?.counts ?? [];
    const mine = chosenOf(now);
    const most = Math.max(0, ...counts);
    bars.forEach(({ row, number, mark }, i) => {
      const n = counts[i] ?? 0;
      const part = share(n, tally?.voters ?? 0);
      write(number, `${part}% (${n.toLocaleString('en-GB')})`);
      row.style.setProperty('--share', `${part}%`);
      const right = now.correct?.includes(i) ?? false;
      row.classList.toggle('right', right);
      row.classList.toggle('most', n > 0 && n === most);
      write(mark, [right ? ' ✓ correct' : '', mine.includes(i) ? ' · your vote' : ''].join(''));
    });
    if (words) {
      const list = tally?.words ?? [];
      const top = Math.max(1, ...list.map((w) => w.n));
      words.replaceChildren(...list.map((w) => {
        const item = el('li', { dir: 'auto', text: w.text });
        if (poll.kind === 'cloud') {
          item.style.setProperty('--size', String(w.n / top));
          item.append(el('span', { class: 'unseen', text: `, ${many(w.n, 'time')}` }));
        }
        return item;
      }));
    }
    write(total, many(tally?.voters ?? 0, 'vote'));
  }
  update(poll);
  return { element, update };
}
