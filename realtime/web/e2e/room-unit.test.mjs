// The parts of the room and of the studio that decide things, without a browser.

import assert from 'node:assert/strict';
import { webcrypto } from 'node:crypto';
import { describe, test } from 'node:test';
import { announcementsToShow, dateOf, deadlineOf, phaseOf, pollToShow, reached } from '../assets/room/cues.mjs';
import { backOff, closeOf } from '../assets/room/close-codes.mjs';
import { asked, offer } from '../assets/room/mentions.mjs';
import { sorted } from '../assets/room/questions.mjs';
import { closedWord, closingWord, lasting, left, length, nameOf, ordinal, pieces, refusal, stateWord, summary } from '../assets/room/room-words.mjs';
import { createSocket, newId } from '../assets/room/socket.mjs';
import { createState } from '../assets/room/state.mjs';
import { voice } from '../assets/room/voice.mjs';
import { chosenOf, labelsOf, share } from '../assets/room/results.mjs';
import { draftOf } from '../assets/studio/polls.mjs';
import { fromFragment, withoutName } from '../assets/watch/token-text.mjs';
import { factsOf, verdict } from '../assets/studio/status.mjs';

globalThis.crypto ??= webcrypto; // as browsers have it, and Node.js 18 does not

/** fakeWorld has a clock that the test moves, and sockets that the test speaks through. */
function fakeWorld() {
  let now = 0;
  let ids = 0;
  const timers = new Map();
  const world = {
    sockets: [],
    open(url, protocol) {
      const socket = { url, protocol, sent: [], send: (text) => socket.sent.push(JSON.parse(text)), close: () => { socket.closed = true; } };
      world.sockets.push(socket);
      return socket;
    },
    now: () => now,
    wall: () => 1e12 + now,
    later(fn, ms) {
      const timer = Symbol('timer');
      timers.set(timer, { fn, at: now + ms });
      return timer;
    },
    never: (timer) => timers.delete(timer),
    random: () => 0.5,
    id: () => `id-${String(ids += 1).padStart(6, '0')}`,
    get last() { return world.sockets.at(-1); },
    settle: () => new Promise((resolve) => { setImmediate(resolve); }),
    async pass(ms) {
      const end = now + ms;
      for (;;) {
        const due = [...timers.entries()].filter(([, t]) => t.at <= end).sort(([, a], [, b]) => a.at - b.at)[0];
        if (due === undefined) {
          break;
        }
        timers.delete(due[0]);
        now = due[1].at;
        due[1].fn();
        await world.settle();
      }
      now = end;
    },
  };
  return world;
}

const welcome = (more = {}) => ({ v: 1, type: 'welcome', data: { participant: 'p_1', role: 'participant', permissions: ['chat'], server_ts: 1e12, expires_at: 1e12 + 900000, limits: {}, epoch: 'e1', seq: 10, recovered: false, snapshot: {}, ...more } });

/** joined is a socket that has said hello and was welcomed. */
async function joined(options = {}) {
  const world = fakeWorld();
  const heard = { welcomes: [], events: [], states: [] };
  let tickets = 0;
  const socket = createSocket({
    url: 'ws://host/ws/bio', ticket: async () => `grant-${tickets += 1}`, name: () => 'Ann', world,
    on: { welcome: (data) => heard.welcomes.push(data), event: (e) => heard.events.push(e), state: (s) => heard.states.push(s) }, ...options,
  });
  const say = (...events) => world.last.onmessage({ data: events.map((e) => JSON.stringify(e)).join('\n') });
  socket.start();
  await world.settle();
  world.last.onopen();
  const event = (seq, prev, more = {}) => ({ v: 1, type: 'chat.message', epoch: 'e1', seq, prev, data: { id: `m${seq}` }, ...more });
  return { world, heard, socket, say, event, tickets: () => tickets };
}

describe('socket', () => {
  test('hello carries the grant and the name, and never the URL', async () => {
    const { world, socket } = await joined();
    assert.equal(world.last.url, 'ws://host/ws/bio');
    assert.equal(world.last.protocol, 'lectern.v1.json');
    const [hello] = world.last.sent;
    assert.deepEqual([hello.type, hello.data], ['hello', { grant: 'grant-1', caps: [], name: 'Ann' }]);
    assert.equal(socket.open, false);
  });

  test('several envelopes come in one message, and what is broken or unknown is passed over', async () => {
    const { world, heard, say, event } = await joined();
    say(welcome());
    world.last.onmessage({ data: `${JSON.stringify(event(11, 10))}\nnot json\n\n{"v":1,"type":"future.thing","data":{}}\n${JSON.stringify(event(14, 11))}` });
    assert.deepEqual(heard.events.map((e) => e.seq), [11, undefined, 14]);
  });

  test('what was there before is not heard twice', async () => {
    const { heard, say, event } = await joined();
    say(welcome(), event(11, 10), event(11, 10), event(12, 11), event(11, 10));
    assert.deepEqual(heard.events.map((e) => e.seq), [11, 12]);
  });

  test('a gap makes it resume from what it has', async () => {
    const { world, heard, say, event } = await joined();
    say(welcome(), event(11, 10), event(15, 13));
    assert.deepEqual(heard.events.map((e) => e.seq), [11]);
    assert.equal(world.last.closed, true);
    await world.pass(5000);
    assert.equal(world.sockets.length, 2);
    world.last.onopen();
    assert.deepEqual(world.last.sent[0].data, { grant: 'grant-2', caps: [], name: 'Ann', epoch: 'e1', seq: 11 });
    say(welcome({ recovered: true, snapshot: undefined, seq: 11 }), event(13, 11), event(15, 13));
    assert.deepEqual(heard.events.map((e) => e.seq), [11, 13, 15]);
  });

  test('what is for one person does not move its place', async () => {
    const { socket, heard, say, event } = await joined();
    const own = { ...event(12, 0) };
    delete own.prev;
    say(welcome(), own, event(13, 10));
    assert.deepEqual(heard.events.map((e) => e.seq), [12, 13]);
    assert.deepEqual(socket.position, { epoch: 'e1', seq: 13 });
  });

  test('of a state the highest rev counts', async () => {
    const { heard, say } = await joined();
    const tally = (rev, voters, key = 'a') => ({ v: 1, type: 'tally', key, rev, data: { voters } });
    say(welcome(), tally(3, 30), tally(2, 20), tally(1, 1, 'b'), tally(4, 40));
    assert.deepEqual(heard.events.map((e) => e.data.voters), [30, 1, 40]);
  });

  test('a command that was not answered is sent again with the same id', async () => {
    const { world, socket, say } = await joined();
    const sent = socket.send('chat.send', { text: 'early' });
    assert.equal(world.last.sent.length, 1); // hello alone
    say(welcome());
    const first = world.last.sent.at(-1);
    assert.equal(first.type, 'chat.send');
    world.last.onclose({ code: 1006 });
    await world.pass(5000);
    world.last.onopen();
    say(welcome({ recovered: true, seq: 10 }));
    assert.deepEqual(world.last.sent.at(-1), first);
    say({ v: 1, type: 'ack', re: first.id, seq: 11, data: { id: 'm11', dup: true } });
    assert.deepEqual(await sent, { id: 'm11', dup: true });
  });

  test('a refusal is told, and a command without an answer is given up', async () => {
    const { world, socket, say } = await joined();
    say(welcome());
    const refused = assert.rejects(socket.send('chat.send', {}), { code: 'slow_mode', retryable: true, retryAfter: 2000 });
    say({ v: 1, type: 'error', re: world.last.sent.at(-1).id, data: { code: 'slow_mode', retryable: true, retry_after_ms: 2000, message: 'no' } });
    await refused;
    const lost = assert.rejects(socket.send('chat.send', {}), { code: 'unavailable' });
    await world.pass(61000);
    await lost;
  });

  test('it comes back as the close code says', async (t) => {
    const cases = [
      ['lost', 1006, { seq: 11 }], ['too slow', 4008, { seq: 11 }], ['restart', 4012, { seq: 11 }], ['expired', 4002, { seq: 11 }], ['epoch reset', 4013, { seq: undefined }],
      ['invalid', 4001, 'invalid_grant'], ['banned', 4003, 'banned'], ['ended', 4004, 'class_ended'], ['elsewhere', 4005, 'superseded'], ['protocol', 4006, 'protocol_error'], ['sent out', 4014, 'removed'], ['too big', 1009, 'too_large'],
    ];
    for (const [name, code, want] of cases) {
      await t.test(name, async () => {
        const { world, heard, say, event } = await joined();
        say(welcome(), event(11, 10));
        world.last.onclose({ code });
        await world.pass(typeof want === 'string' ? 31000 : 2500);
        if (typeof want === 'string') {
          assert.equal(world.sockets.length, 1);
          assert.deepEqual(heard.states.at(-1), { name: 'over', reason: want });
          return;
        }
        world.sockets[1].onopen();
        assert.equal(world.sockets[1].sent[0].data.seq, want.seq);
      });
    }
  });

  test('it waits as long as the server says', async () => {
    const { world, heard, say } = await joined();
    say(welcome(), { v: 1, type: 'closing', data: { code: 4012, return: 'resume', reconnect_after_ms: 7000 } });
    world.last.onclose({ code: 4012 });
    assert.deepEqual(heard.states.at(-1), { name: 'waiting', retryIn: 7000 });
    await world.pass(6900);
    assert.equal(world.sockets.length, 1);
    await world.pass(200);
    assert.equal(world.sockets.length, 2);
  });

  test('a locked room is told from one that has ended', async () => {
    const { world, heard, say } = await joined();
    say({ v: 1, type: 'error', re: world.last.sent[0].id, data: { code: 'closed', retryable: false, message: 'the room is locked' } });
    world.last.onclose({ code: 4004 });
    assert.deepEqual(heard.states.at(-1), { name: 'over', reason: 'locked' });
  });

  test('the grant is renewed before it is over', async () => {
    const { world, say, tickets } = await joined();
    say(welcome());
    await world.pass(674000);
    assert.equal(tickets(), 1);
    await world.pass(2000);
    assert.equal(tickets(), 2);
    const refresh = world.last.sent.at(-1);
    assert.deepEqual([refresh.type, refresh.data], ['refresh', { grant: 'grant-2' }]);
    say({ v: 1, type: 'ack', re: refresh.id, data: { expires_at: 1e12 + 676000 + 900000 } });
    await world.settle();
    await world.pass(680000);
    assert.equal(tickets(), 3);
  });

  test('the place is told every 25 to 30 s', async () => {
    const { world, say } = await joined({ place: () => ({ playing: true }) });
    say(welcome());
    await world.pass(60000);
    assert.deepEqual(world.last.sent.filter((c) => c.type === 'position').map((c) => [c.id, c.data]), [[undefined, { playing: true }], [undefined, { playing: true }], [undefined, { playing: true }]]);
  });

  test('a server that says nothing is left', async () => {
    const { world, heard } = await joined();
    await world.pass(10100);
    assert.equal(world.last.closed, true);
    assert.equal(heard.states.at(-1).name, 'waiting');
  });

  test('no room is no reason to try again', async () => {
    const heard = [];
    const world = fakeWorld();
    const socket = createSocket({ url: '', ticket: async () => { throw Object.assign(new Error('404'), { final: 'no_room' }); }, on: { state: (s) => heard.push(s) }, world });
    socket.start();
    await world.pass(60000);
    assert.deepEqual(heard.at(-1), { name: 'over', reason: 'no_room' });
    assert.equal(world.sockets.length, 0);
  });

  test('ids are as the server wants them', () => {
    assert.match(newId(), /^[a-z0-9]{20}$/);
    assert.notEqual(newId(), newId());
  });
});

test('backOff', () => {
  assert.equal(backOff(0, () => 0), 1000);
  assert.equal(backOff(0, () => 1), 2000);
  assert.equal(backOff(3, () => 1), 16000);
  assert.equal(backOff(50, () => 1), 30000);
  assert.equal(closeOf(4999).back, 'resume');
});

const snapshot = (more = {}) => ({
  settings: { chat: 'open', names: 'both' }, messages: [], questions: [], polls: [], announcements: [], markers: [], hands: { count: 0 }, presence: { participants: 3 }, restricted: { muted: false }, ...more,
});

/** room is a state with a person in it. */
function roomOf(more = {}, permissions = ['chat', 'ask', 'vote']) {
  const state = createState();
  state.welcome({ participant: 'p_me', role: 'participant', permissions, limits: { chat: 500 }, snapshot: snapshot(more) });
  return state;
}
const said = (seq, text, from = 'p_2') => ({ type: 'chat.message', seq, ts: 1000 + seq, from: { id: from, name: from, role: 'participant' }, data: { id: `m${seq}`, text } });

describe('state', () => {
  test('events are applied once', () => {
    const { room, apply } = roomOf();
    const events = [
      said(1, 'one'), said(2, 'two'), { type: 'chat.edited', data: { message: 'm1', text: 'uno' } }, { type: 'chat.deleted', from: { id: 'p_2' }, data: { message: 'm2' } },
      { type: 'question.asked', seq: 5, ts: 5, data: { id: 'q5', text: 'why' } }, { type: 'votes', data: { question: 'q5', votes: 3 } }, { type: 'question.moved', data: { question: 'q5', state: 'answering' } },
      { type: 'poll.opened', data: { poll: 'l1', kind: 'single', prompt: 'p', options: ['a', 'b'], results: 'after', at: 100, closes_at: 200 } },
      { type: 'tally', data: { poll: 'l1', voters: 1, counts: [1, 0] } }, { type: 'poll.closed', data: { poll: 'l1', at: 180 } },
      { type: 'poll.revealed', data: { poll: 'l1', at: 190, correct: [1], tally: { poll: 'l1', voters: 2, counts: [1, 1] } } },
      { type: 'announcement', data: { id: 'a1', text: 'x' } }, { type: 'marker', data: { id: 'k1', title: 't', at: 1 } },
    ];
    events.forEach(apply);
    const once = JSON.stringify([room.messages, [...room.questions], [...room.polls], room.announcements, room.markers]);
    events.forEach(apply);
    assert.equal(JSON.stringify([room.messages, [...room.questions], [...room.polls], room.announcements, room.markers]), once);
    assert.deepEqual(room.messages.map((m) => m.text), ['uno']);
    const poll = room.polls.get('l1');
    assert.deepEqual([poll.openedAt, poll.closedAt, poll.revealedAt, poll.state, poll.correct], [100, 180, 190, 'revealed', [1]]);
  });

  test('messages are in the order of the log, and the oldest go', () => {
    const { room, apply } = roomOf();
    for (let i = 700; i > 100; i -= 1) {
      apply(said(i, String(i)));
    }
    assert.equal(room.messages.length, 500);
    assert.equal(room.messages.at(-1).seq, 700);
    assert.ok(room.messages.every((m, i, all) => i === 0 || all[i - 1].seq < m.seq));
  });

  test('what a moderator deletes staff can restore, others do not have it any more', () => {
    const deletion = { type: 'chat.deleted', from: { id: 'p_host' }, data: { message: 'm1' } };
    const student = roomOf();
    const host = roomOf({}, ['chat', 'staff', 'moderate']);
    for (const { apply } of [student, host]) {
      apply(said(1, 'rude'));
      apply(deletion);
    }
    assert.deepEqual(student.room.messages, []);
    assert.equal(host.room.messages[0].deleted, true);
    for (const { room, apply } of [student, host]) {
      apply({ type: 'chat.restored', data: { message: { id: 'm1', text: 'rude', seq: 1, ts: 1 } } });
      assert.deepEqual(room.messages.map((m) => [m.id, m.deleted]), [['m1', false]]);
    }
  });

  test('an own message is there once, whatever comes first', async (t) => {
    for (const [name, order] of [['ack first', ['ack', 'event']], ['event first', ['event', 'ack']]]) {
      await t.test(name, () => {
        const { room, apply, writing, written } = roomOf();
        writing({ key: 'k', text: 'mine' });
        const steps = { ack: () => written('k', 'm4'), event: () => apply(said(4, 'mine', 'p_me')) };
        order.forEach((step) => steps[step]());
        assert.deepEqual(room.sending, []);
        assert.deepEqual(room.messages.map((m) => [m.id, m.mine]), [['m4', true]]);
      });
    }
  });

  test('an anonymous message is known as one’s own by its ack', () => {
    const { room, apply, writing, written } = roomOf();
    writing({ key: 'k', text: 'mine' });
    apply({ ...said(4, 'mine'), from: { role: 'participant', anonymous: true } });
    written('k', 'm4');
    assert.equal(room.messages[0].mine, true);
    assert.deepEqual(room.sending, []);
  });

  test('a snapshot replaces what there was', () => {
    const state = roomOf();
    state.apply(said(1, 'old'));
    state.welcome({ participant: 'p_me', role: 'participant', permissions: ['chat'], limits: {}, snapshot: snapshot({ messages: [{ id: 'm9', text: 'new', seq: 9, ts: 9 }], polls: [{ poll: 'l', state: 'open', kind: 'cloud', prompt: 'p', results: 'live', at: 7 }] }) });
    assert.deepEqual(state.room.messages.map((m) => m.id), ['m9']);
    assert.equal(state.room.polls.get('l').openedAt, 7);
    state.welcome({ participant: 'p_me', role: 'participant', permissions: ['chat'], limits: {}, recovered: true });
    assert.deepEqual(state.room.messages.map((m) => m.id), ['m9']);
  });

  test('an unknown event changes nothing', () => {
    const { apply } = roomOf();
    assert.doesNotThrow(() => {
      apply({ type: 'constructor', data: {} });
      apply({ type: 'later', data: { x: 1 } });
      apply({ type: 'votes', data: { question: 'unknown', votes: 1 } });
      apply({ type: 'poll.closed', data: { poll: 'unknown' } });
    });
  });

  test('who voted for a merged question has voted for the other', () => {
    const { room, apply } = roomOf({ questions: [{ id: 'a', text: 'a', state: 'asked', votes: 2, voted: true, seq: 1, ts: 1 }, { id: 'b', text: 'b', state: 'asked', votes: 1, seq: 2, ts: 2 }] });
    apply({ type: 'question.merged', data: { question: 'a', into: 'b' } });
    assert.deepEqual([room.questions.get('a').state, room.questions.get('b').voted], ['merged', true]);
  });
});

describe('cues', () => {
  const poll = { id: 'p', state: 'open', openedAt: 1000, closesAt: 61000, closedAt: null, revealedAt: null, mine: null };
  const revealed = { ...poll, state: 'revealed', closedAt: 61000, revealedAt: 70000 };

  test('phaseOf follows the picture, also when somebody goes back', () => {
    for (const [name, p, date, want] of [
      ['before', poll, 999, 'hidden'], ['at its moment', poll, 1000, 'open'], ['at its end', poll, 61000, 'closed'],
      ['shown elsewhere, not here yet', revealed, 60999, 'open'], ['closed here', revealed, 65000, 'closed'], ['shown here', revealed, 70000, 'revealed'], ['gone back', revealed, 500, 'hidden'],
      ['at once', { ...poll, openedAt: 0, closesAt: null }, 5, 'open'], ['a draft', { ...poll, state: 'draft' }, 5000, 'hidden'],
      ['closed early', { ...poll, closedAt: 20000, state: 'closed' }, 20000, 'closed'],
    ]) {
      assert.equal(phaseOf(p, { date, now: 1e6 }), want, name);
    }
  });

  test('without a date it is shown 30 s after its moment', () => {
    assert.equal(phaseOf({ ...poll, closesAt: null }, { date: null, now: 30999 }), 'hidden');
    assert.equal(phaseOf({ ...poll, closesAt: null }, { date: null, now: 31000 }), 'open');
    assert.equal(reached(null, { date: 1, now: 1 }), false);
    assert.equal(dateOf(null, 4, 10000), 6000);
    assert.equal(dateOf(null, undefined, 10000), null);
    assert.equal(dateOf(123, 4, 10000), 123);
  });

  test('who has more time has it', () => {
    assert.equal(deadlineOf(poll), 61000);
    assert.equal(deadlineOf(poll, 50), 91000);
    assert.equal(phaseOf(poll, { date: 80000, now: 80000 }, 50), 'open');
  });

  test('pollToShow', () => {
    const media = { date: 75000, now: 76000 };
    const open = (id, more = {}) => ({ ...poll, id, closesAt: null, ...more });
    assert.equal(pollToShow([], media), null);
    assert.equal(pollToShow([open('a'), open('b')], media).poll.id, 'a');
    assert.equal(pollToShow([open('a', { mine: {} }), open('b')], media).poll.id, 'b');
    assert.equal(pollToShow([revealed, open('b', { mine: {} })], media).phase, 'revealed');
    assert.equal(pollToShow([revealed, open('b')], media).poll.id, 'b');
    assert.equal(pollToShow([revealed], media, { away: new Set(['p/revealed']) }), null);
    assert.equal(pollToShow([revealed], { date: 70000 + 120001, now: 0 }), null);
  });

  test('announcementsToShow', () => {
    const list = [{ id: 'a' }, { id: 'b', until: 500 }, { id: 'c', at: 900 }];
    assert.deepEqual(announcementsToShow(list, { date: 100, now: 400 }).map((a) => a.id), ['a', 'b']);
    assert.deepEqual(announcementsToShow(list, { date: 900, now: 1000 }).map((a) => a.id), ['a', 'c']);
  });
});

describe('words', () => {
  test('pieces makes links of whole addresses only', () => {
    assert.deepEqual(pieces('see https://a.example/x?y=1, or (http://b.example/z).'), [
      { text: 'see ' }, { text: 'https://a.example/x?y=1', link: 'https://a.example/x?y=1' }, { text: ', or (' }, { text: 'http://b.example/z', link: 'http://b.example/z' }, { text: ').' },
    ]);
    for (const text of ['javascript:alert(1)', 'data:text/html,x', '<b>x</b>', 'https://', 'www.example.edu']) {
      assert.ok(pieces(text).every((p) => !p.link), text);
    }
    assert.equal(pieces('https://a.example/"><script>')[0].link, 'https://a.example/');
  });

  test('names are offered after an @', () => {
    assert.equal(asked('hi @be', 6), 'be');
    assert.equal(asked('(@', 2), '');
    assert.equal(asked('@ann smith', 10), 'ann smith');
    for (const text of ['me@home', 'hi', '@\nx', `@${'x'.repeat(41)}`]) {
      assert.equal(asked(text, text.length), null, text);
    }
    const names = new Map([['1', 'Ann Smith'], ['2', 'Bénédicte'], ['3', 'Samantha Ann']]);
    assert.deepEqual(offer(names, 'ANN').map(([id]) => id), ['3', '1']);
    assert.deepEqual(offer(names, 'bene').map(([id]) => id), ['2']);
    assert.deepEqual(offer(names, 'ann smith is').map(([id]) => id), []);
  });

  test('length counts as the server does', () => assert.equal(length('a😅ü'), 3));

  test('summary', () => {
    assert.equal(summary({}), '');
    assert.equal(summary({ messages: 1, last: { name: 'Ann', text: 'hi' } }), 'Ann: hi');
    assert.equal(summary({ messages: 12, questions: 1 }), '12 new messages. 1 new question');
    assert.equal(summary({ messages: 2, toMe: [{ name: 'Ben', text: 'thanks' }] }), 'Ben to you: thanks. 2 new messages');
    assert.equal(summary({ toMe: Array(4).fill({ name: 'Ben', text: 'thanks' }) }), '4 messages to you');
  });

  test('ordinal', () => assert.deepEqual([1, 2, 3, 4, 11, 12, 13, 21, 22, 102, 111].map(ordinal), ['1st', '2nd', '3rd', '4th', '11th', '12th', '13th', '21st', '22nd', '102nd', '111th']));

  test('closedWord', () => {
    const me = { may: new Set(['chat']) };
    const of = (settings, restricted = { muted: false }, who = me) => closedWord({ settings, restricted, me: who }, 1000);
    assert.equal(of({ chat: 'open' }), '');
    assert.match(of({ chat: 'hosts' }), /Only the teacher/);
    assert.equal(of({ chat: 'hosts' }, undefined, { may: new Set(['chat', 'staff']) }), '');
    assert.match(of({ chat: 'open' }, { muted: true, muted_until: 61000 }), /another 60 s/);
    assert.equal(of({ chat: 'open' }, { muted: true, muted_until: 900 }), '');
    assert.match(of({ chat: 'open' }, undefined, { may: new Set() }), /read along/);
  });

  test('every code has words', () => {
    assert.equal(closingWord(0), '');
    for (const code of ['unauthorized', 'banned', 'unsupported', 'slow_mode', 'rate_limited', 'muted', 'closed', 'already_voted', 'forbidden', 'too_large', 'busy', 'not_found', 'unavailable', 'bad_request', 'new']) {
      assert.match(refusal({ code, retryAfter: 1500 }), /\.$/);
      assert.ok(code === 'new' || refusal({ code }) !== refusal({ code: 'new' }), code);
    }
    for (const reason of ['banned', 'removed', 'class_ended', 'superseded', 'locked', 'refused', 'new']) {
      assert.match(stateWord({ name: 'over', reason }), /\.$/);
    }
    assert.equal(stateWord({ name: 'open' }), '');
    assert.equal(nameOf({ role: 'host' }), 'Host');
    assert.deepEqual([lasting(5000), lasting(300000), lasting(7200000), left(61500)], ['5 s', '5 min', '2 h', '1:02']);
  });

  test('the voice sums up', () => {
    let now = 0;
    let due = null;
    const own = { textContent: '' };
    const news = { textContent: '' };
    const speaker = voice(own, news, { now: () => now, later: (fn, ms) => { due = { fn, at: now + ms }; } });
    for (let i = 0; i < 40; i += 1) {
      speaker.message('Ann', 'x');
    }
    assert.equal(news.textContent, '');
    now = due.at;
    due.fn();
    assert.equal(news.textContent, '40 new messages');
    const at = now;
    speaker.question();
    assert.equal(due.at, at + 10000);
    speaker.say('Sent.');
    assert.equal(own.textContent, 'Sent.');
  });
});

test('sorted', () => {
  const q = (id, votes, seq, state = 'asked', mine = false) => ({ id, votes, seq, state, mine });
  const list = [q('a', 1, 1), q('b', 5, 2), q('c', 0, 3, 'answering'), q('d', 9, 4, 'answered'), q('e', 2, 5, 'dismissed'), q('f', 2, 6, 'withdrawn')];
  const ids = (...args) => sorted(list, ...args).map(({ id }) => id).join('');
  assert.equal(ids('votes', 'open', false), 'cba');
  assert.equal(ids('new', 'open', false), 'cba');
  assert.equal(ids('votes', 'all', false), 'cdba');
  assert.equal(ids('votes', 'all', true), 'cdbea');
  assert.equal(ids('old', 'open', true), 'cab');
});

test('results', () => {
  assert.deepEqual([share(1, 3), share(0, 0)], [33, 0]);
  const scale = { kind: 'scale', min: 1, max: 3, options: ['low', 'high'], mine: { value: 2 } };
  assert.deepEqual(labelsOf(scale), ['1 – low', '2', '3 – high']);
  assert.deepEqual(chosenOf(scale), [1]);
});

test('draftOf', async (t) => {
  const good = { kind: 'single', prompt: ' Why? ', options: ['a', '', 'b'], correct: [2], results: 'after' };
  for (const [name, draft, want] of [
    ['plain', good, { kind: 'single', prompt: 'Why?', results: 'after', options: ['a', 'b'] }],
    ['quiz', { ...good, quiz: true }, { kind: 'single', prompt: 'Why?', results: 'after', options: ['a', 'b'], correct: [1], quiz: true }],
    ['cloud', { ...good, kind: 'cloud', anonymous: true }, { kind: 'cloud', prompt: 'Why?', results: 'after', anonymous: true }],
    ['scale', { ...good, kind: 'scale', options: ['', ''], min: 0, max: 10 }, { kind: 'scale', prompt: 'Why?', results: 'after', min: 0, max: 10 }],
  ]) {
    await t.test(name, () => assert.deepEqual(draftOf(draft).data, want));
  }
  for (const [name, draft] of [
    ['no question', { ...good, prompt: ' ' }], ['one answer', { ...good, options: ['a'] }], ['quiz without an answer', { ...good, quiz: true, correct: [] }],
    ['two right answers', { ...good, quiz: true, correct: [0, 2] }], ['scale upside down', { ...good, kind: 'scale', min: 5, max: 5 }],
  ]) {
    await t.test(name, () => assert.match(draftOf(draft).wrong, /\.$/));
  }
});

test('studio', () => {
  assert.deepEqual(['#k=a-b_c', '#t=x&k=y', '#t=x', ''].map((hash) => fromFragment(hash, 'k')), ['a-b_c', 'y', null, null]);
  assert.deepEqual(['#k=a', '#t=x&k=y', '#k=y&t=x.y-z', ''].map((hash) => withoutName(hash, 'k')), ['', '#t=x', '#t=x.y-z', '']);
  assert.equal(verdict(null).level, 'waiting');
  assert.equal(verdict({ state: 'live', ingest: {} }).level, 'good');
  assert.equal(verdict({ state: 'live', ingest: {}, problems: ['x'] }).level, 'bad');
  assert.equal(verdict({ state: 'live' }).level, 'bad');
  assert.deepEqual(factsOf(null), []);
  assert.deepEqual(factsOf({ protocol: 'rtmp', width: 1280, height: 720, frame_rate: 29.97, bit_rate: 2.5e6, video_codec: 'H.264' }), [['Picture', '1280 × 720, 30 fps'], ['Bit rate', '2.5 Mbit/s'], ['Coding', 'H.264'], ['By', 'RTMP'], ['Sound', 'none']]);
});
