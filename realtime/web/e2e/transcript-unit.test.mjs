// What is to be seen of a transcript at a moment, without a browser.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chapterAt, createTranscript, isEmpty, neededAt, pollsAt, questionsAt, resultsAt, standingAt } from '../assets/room/transcript.mjs';

const M = 60000;
const index = (more) => ({ v: 1, ended: true, minutes: [], chapters: [], questions: [], polls: [], announcements: [], pins: [], ...more });

test('needed are the minutes before, the next one in time, and no more than can be shown', () => {
  const minutes = [1, 2, 5, 6, 7].map((minute) => ({ minute, messages: 3 }));
  assert.deepEqual(neededAt(minutes, 0), []);
  assert.deepEqual(neededAt(minutes, 5 * M), [5, 2, 1]);
  assert.deepEqual(neededAt(minutes, 5 * M + 44000), [5, 2, 1]);
  assert.deepEqual(neededAt(minutes, 5 * M + 45000), [6, 5, 2, 1]);
  assert.deepEqual(neededAt(minutes, 99 * M), [7, 6, 5, 2, 1]);
  const busy = Array.from({ length: 50 }, (_, minute) => ({ minute, messages: 150 }));
  assert.deepEqual(neededAt(busy, 20 * M), [20, 19, 18]);
  const quiet = Array.from({ length: 50 }, (_, minute) => ({ minute, messages: 1 }));
  assert.equal(neededAt(quiet, 40 * M).length, 10);
});

test('a poll shows its results when the class saw them', () => {
  const poll = { id: 'p1', media_ts: 10, closed_media_ts: 20, revealed_media_ts: 30, results: 'after', tally: { voters: 1 } };
  assert.equal(resultsAt(poll), 30);
  assert.equal(resultsAt({ ...poll, tally: undefined }), null);
  assert.equal(resultsAt({ ...poll, results: 'live' }), 20);
  assert.equal(resultsAt({ ...poll, results: 'live', closed_media_ts: undefined, closes_media_ts: 25 }), 25);
  const phases = (p) => [5, 10, 20, 30].map((date) => pollsAt([p], date)[0]?.phase);
  assert.deepEqual(phases(poll), [undefined, 'open', 'closed', 'results']);
  assert.deepEqual(phases({ ...poll, results: 'never', tally: undefined }), [undefined, 'open', 'closed', 'closed']);
  assert.deepEqual(phases({ ...poll, closed_media_ts: undefined, closes_media_ts: 20 }), [undefined, 'open', 'closed', 'results']);
});

test('questions are as they stood', () => {
  const list = [
    { id: 'q1', media_ts: 10, votes: 1, state: 'answered', changes: [{ media_ts: 20, state: 'answering' }, { media_ts: 30, state: 'answered' }], answer: { media_ts: 30, live: true } },
    { id: 'q2', media_ts: 12, votes: 5, state: 'asked' },
  ];
  const at = (date) => questionsAt(list, date).map((q) => `${q.id} ${q.state} ${q.answer ? 'answer' : ''}`.trim());
  assert.deepEqual(at(5), []);
  assert.deepEqual(at(11), ['q1 asked']);
  assert.deepEqual(at(15), ['q2 asked', 'q1 asked']);
  assert.deepEqual(at(25), ['q1 answering', 'q2 asked']);
  assert.deepEqual(at(35), ['q2 asked', 'q1 answered answer']);
});

test('what stood, and which chapter was going on', () => {
  const list = [{ id: 'a', media_ts: 10, until_media_ts: 20 }, { id: 'b', media_ts: 15 }];
  assert.deepEqual([5, 10, 15, 20].map((date) => standingAt(list, date).map((a) => a.id).join('')), ['', 'a', 'ab', 'b']);
  assert.deepEqual([5, 10, 25].map((date) => chapterAt([{ media_ts: 10 }, { media_ts: 20 }], date)), [-1, 0, 1]);
  assert.ok(isEmpty(index()));
  assert.ok(!isEmpty(index({ chapters: [{}] })));
});

const settle = () => new Promise((resolve) => { setImmediate(resolve); });

test('messages come without a hole, and what failed is asked for again', async () => {
  let time = 0;
  const asked = [];
  let broken = true;
  const files = {
    'index.json': index({ minutes: [{ minute: 1, messages: 1 }, { minute: 2, messages: 2 }] }),
    '1.json': { messages: [{ id: 'm1', media_ts: M }] },
    '2.json': { messages: [{ id: 'm2', media_ts: 2 * M }, { id: 'm3', media_ts: 2 * M + 30000 }] },
  };
  const t = createTranscript(async (file) => {
    asked.push(file);
    if (file === '1.json' && broken) {
      throw new Error('no');
    }
    return files[file] ?? null;
  }, { now: () => time });
  await t.refresh();
  const look = async (date) => {
    t.want(date);
    await settle();
    return t.messagesAt(date).map((m) => m.id).join();
  };
  assert.equal(await look(2 * M + 1000), 'm2'); // what is before it is missing
  assert.ok(!t.ready(2 * M));
  broken = false;
  assert.equal(await look(2 * M + 1000), 'm2');
  time = 6000;
  assert.equal(await look(2 * M + 1000), 'm1,m2');
  assert.equal(await look(3 * M), 'm1,m2,m3');
  assert.equal(await look(M), 'm1');
  assert.equal(await look(0), '');
  assert.ok(t.ready(2 * M) && t.find('m1').media_ts === M && t.find('m9') === null);
  assert.deepEqual(asked, ['index.json', '2.json', '1.json', '1.json']);
  // A message was taken away.
  files['index.json'] = index({ minutes: [{ minute: 1, messages: 1 }, { minute: 2, messages: 1 }] });
  files['2.json'] = { messages: [{ id: 'm2', media_ts: 2 * M }] };
  await t.refresh();
  assert.equal(await look(3 * M), 'm1,m2');
});

test('no transcript, or one of a later version, is none', async () => {
  for (const document of [null, { ...index(), v: 2 }]) {
    const t = createTranscript(async () => document);
    await t.refresh();
    assert.equal(t.index, null);
  }
});
