// What the page does about a link that becomes slower, without a browser.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { leaving, meter, paceFor, reserve } from '../assets/watch/link.mjs';

/** loads makes loads of so many bytes, one after another. */
function loads(link, n, { from = 0, every = 0.5, trip = 0.04, rate, bytes = 40000 }) {
  for (let i = 0; i < n; i += 1) {
    const start = from + i * every;
    link.add({ start, first: start + trip, end: start + trip + bytes * 8 / rate, bytes });
  }
}

const near = (got, want, share = 0.1) => assert.ok(Math.abs(got - want) <= share * want, `${got}, not ${want}`);

test('meter', async (t) => {
  await t.test('nothing yet', () => assert.equal(meter().estimate(), null));
  await t.test('a steady link', () => {
    const link = meter();
    loads(link, 10, { rate: 1e6 });
    near(link.estimate(), 1e6);
  });
  await t.test('a fall counts at once, whatever was before', () => {
    const link = meter();
    loads(link, 20, { rate: 50e6 });
    loads(link, 4, { from: 10, rate: 1e6 });
    near(link.estimate(), 1e6);
  });
  await t.test('a rise does not', () => {
    const link = meter();
    loads(link, 20, { rate: 1e6 });
    loads(link, 4, { from: 10, rate: 50e6 });
    assert.ok(link.estimate() < 1.5e6, `${link.estimate()}`);
  });
  await t.test('picture and sound at the same time share the link', () => {
    const link = meter();
    for (let i = 0; i < 8; i += 1) {
      link.add({ start: i, first: i + 0.04, end: i + 0.54, bytes: 50000 });
      link.add({ start: i, first: i + 0.04, end: i + 0.54, bytes: 12500 });
    }
    near(link.estimate(), 1e6);
  });
  await t.test('a small part that comes at once after a while is no fast link', () => {
    const link = meter();
    // 14 kB over 550 kbit/s, all of it in the last millisecond; once it was quick.
    link.add({ start: 0, first: 0.04, end: 0.05, bytes: 500 });
    for (let i = 1; i < 9; i += 1) {
      link.add({ start: i, first: i + 0.243, end: i + 0.244, bytes: 14000 });
    }
    near(link.estimate(), 550e3);
  });
  await t.test('what was long ago is forgotten', () => {
    const link = meter();
    loads(link, 10, { rate: 1e5, bytes: 4000 });
    loads(link, 6, { from: 60, rate: 5e6 });
    near(link.estimate(), 5e6);
  });
});

/** falling is a viewer on 750 kbit/s when the link has become one of 550. */
const falling = {
  ready: 0.6, unit: { bits: 375000, loaded: 15000, elapsed: 0.3, waiting: 0.35 }, behind: 0.5, ahead: 0,
  bitrate: 750e3, lower: [330e3], estimate: 1e6, trip: 0.04,
};

test('leaving', async (t) => {
  const cases = [
    ['it will not come in time', falling, 0],
    ['there is enough ready', { ...falling, ready: 2 }, null],
    ['nothing is lower', { ...falling, lower: [] }, null],
    ['a fast link', { ...falling, estimate: 20e6, unit: { ...falling.unit, loaded: 40000, elapsed: 0.08, waiting: 0.1 } }, null],
    ['nothing has come for a while', { ...falling, unit: { bits: 375000, loaded: 0, elapsed: 0, waiting: 0.9 } }, 0],
    ['just asked for', { ...falling, estimate: 5e6, unit: { bits: 375000, loaded: 0, elapsed: 0, waiting: 0.02 } }, null],
    ['almost there', { ...falling, unit: { ...falling.unit, loaded: 46000, elapsed: 0.67, waiting: 0.7 } }, null],
    ['beginning the segment again would take longer', { ...falling, behind: 2 }, null],
    ['the lowest when there is little', { ...falling, ready: 0.6, lower: [100e3, 200e3] }, 0],
    ['the best that fits when there is more', {
      ...falling, ready: 1.2, lower: [100e3, 200e3, 380e3], unit: { bits: 750000, loaded: 15000, elapsed: 0.3, waiting: 0.35 },
    }, 1],
  ];
  for (const [name, given, want] of cases) {
    await t.test(name, () => assert.equal(leaving(given)?.index ?? null, want));
  }
  await t.test('the rate is that of now', () => near(leaving(falling).rate, 400e3));
});

test('paceFor', async (t) => {
  const fine = { ready: 1.2, late: 0, range: 3, now: 1 };
  const cases = [
    ['all is well', fine, 1],
    ['a little late', { ...fine, late: 0.1 }, 1],
    ['late', { ...fine, late: 0.2 }, 1.05],
    ['late, and nearly there', { ...fine, late: 0.03, now: 1.05 }, 1.05],
    ['there', { ...fine, late: 0.02, now: 1.05 }, 1],
    ['late, but there is too little to hurry', { ...fine, late: 0.5, ready: 0.75 }, 1],
    ['too early', { ...fine, late: -0.3 }, 0.95],
    ['a little early', { ...fine, late: -0.1 }, 1],
    ['a little early, on the way back', { ...fine, late: -0.1, now: 0.95 }, 0.95],
    ['little is left', { ...fine, ready: 0.6, late: 1 }, 0.95],
    ['less is left', { ...fine, ready: 0.4 }, 0.9],
    ['almost nothing is left', { ...fine, ready: 0.1 }, 0.85],
    ['somewhere else on purpose', { ...fine, late: 10, now: 1.05 }, 1],
  ];
  for (const [name, given, want] of cases) {
    await t.test(name, () => assert.equal(paceFor(given), want));
  }
});

test('reserve', () => {
  const kept = reserve();
  kept.observe(1, 0);
  assert.equal(kept.parts, 0);
  assert.equal(kept.caution(0), 1);
  kept.observe(0.2, 1000);
  kept.observe(0.1, 1100); // the same trouble
  assert.equal(kept.parts, 1);
  assert.ok(kept.caution(5000) < 0.1, 'tries again at once');
  assert.equal(kept.caution(20000), 0.5);
  for (let n = 1; n < 20; n += 1) {
    kept.alarm(n * 10000);
  }
  assert.equal(kept.parts, 3, 'without end');
  // Good for a while: one part less, and not all at once.
  kept.observe(2, 230000);
  assert.equal(kept.parts, 3);
  kept.observe(2, 240000);
  assert.equal(kept.parts, 2);
  kept.observe(2, 241000);
  assert.equal(kept.parts, 2);
  kept.clear();
  assert.equal(kept.parts, 0);
});
