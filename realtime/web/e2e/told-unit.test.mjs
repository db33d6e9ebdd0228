// What the page makes of what the playlists tell of the room. Runs without a browser.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { missedPoll, phaseOf, withTold } from '../assets/room/cues.mjs';
import { createTold, fromTracks } from '../assets/watch/told.mjs';

describe('told', () => {
  const poll = { id: 'p', state: 'open', openedAt: 1000, closesAt: 61000, closedAt: null, revealedAt: null, mine: null };

  test('missedPoll is what only the playlists tell of', () => {
    const cue = (event, id, at) => ({ event: `poll.${event}`, id, at });
    const opened = cue('opened', 'p1', 1000);
    for (const [name, polls, cues, date, want] of [
      ['nothing', [], [], 5000, null],
      ['not yet here', [], [opened], 999, null],
      ['open', [], [opened], 1000, 'p1'],
      ['known', [{ id: 'p1', state: 'open' }], [opened], 2000, null],
      ['known as a draft', [{ id: 'p1', state: 'draft' }], [opened], 2000, 'p1'],
      ['closed, not yet here', [], [opened, cue('closed', 'p1', 3000)], 2999, 'p1'],
      ['closed', [], [opened, cue('closed', 'p1', 3000)], 3000, null],
      ['the second', [], [opened, cue('closed', 'p1', 3000), cue('opened', 'p2', 3000)], 3000, 'p2'],
      ['a marker', [], [{ event: 'marker', id: 'k1', at: 1000 }], 3000, null],
      ['gone back', [], [opened], 500, null],
    ]) {
      assert.equal(missedPoll(polls, cues, { date, now: 1e6 }), want, name);
    }
  });

  test('a poll that was closed while the room was away is closed', () => {
    const [known, other] = withTold([{ ...poll, closesAt: null }, { ...poll, id: 'q', closesAt: null }], [{ event: 'poll.closed', id: 'p', at: 5000 }]);
    assert.equal(phaseOf(known, { date: 4999, now: 0 }), 'open');
    assert.equal(phaseOf(known, { date: 5000, now: 0 }), 'closed');
    assert.equal(phaseOf(other, { date: 5000, now: 0 }), 'open');
  });

  test('createTold hears of each cue once', () => {
    const range = (event, id, at, name = 'org.lectern.cue') => ({ attr: { CLASS: name, 'X-EVENT': event, 'X-CUE': id, 'START-DATE': at } });
    const player = { hls: { latestLevelDetails: { dateRanges: { a: range('poll.opened', 'p1', '2026-10-09T08:00:00.250Z'), ad: range('x', 'y', '2026-10-09T08:00:00.000Z', 'com.example.ad') } } } };
    const told = createTold(player, {});
    const heard = [];
    told.look();
    told.onCue((cue) => heard.push(cue));
    const first = { event: 'poll.opened', id: 'p1', at: Date.parse('2026-10-09T08:00:00.250Z') };
    assert.deepEqual(heard, [first]);
    player.hls.latestLevelDetails = { dateRanges: { ...player.hls.latestLevelDetails.dateRanges, b: range('marker', 'k2', '2026-10-09T08:00:01.000Z') } };
    told.look();
    told.look();
    assert.deepEqual(heard, [first, { event: 'marker', id: 'k2', at: first.at + 750 }]);
    player.hls.latestLevelDetails = null;
    told.look();
    assert.deepEqual(told.all(), heard);
  });

  test('fromTracks pairs the cues of a browser that plays HLS itself', () => {
    const cue = (startTime, key, data) => ({ startTime, value: { key, data } });
    const cues = [cue(2, 'X-EVENT', 'poll.closed'), cue(2, 'X-CUE', 'p1'), cue(2, 'X-EVENT', 'marker'), cue(2, 'X-CUE', 'k2'), cue(9, 'CLASS', 'org.lectern.cue'), { startTime: 3 }];
    const tracks = [{ kind: 'captions', cues: [cue(2, 'X-CUE', 'p9')] }, { kind: 'metadata', mode: 'disabled', cues }, { kind: 'metadata', mode: 'hidden', cues: null }];
    assert.deepEqual(fromTracks(tracks, 1000), [{ event: 'poll.closed', id: 'p1', at: 3000 }, { event: 'marker', id: 'k2', at: 3000 }]);
    assert.equal(tracks[1].mode, 'hidden');
  });
});
