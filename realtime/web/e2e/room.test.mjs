// The room beside the video, in Chromium, with the real rooms behind it.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { launchBrowser, openPage, SCREENS, until, untilPlaying, untilState } from './browser.mjs';
import { startFake } from './fake.mjs';
import { guests } from './guests.mjs';

const SECRET = '#k=open-sesame';

let fake;
let browser;
let classes = 0;

/** inRoom makes a class with a room. body is given what opens pages and speaks for guests. */
function inRoom(name, body, order = {}) {
  test(name, { timeout: 180000 }, async () => {
    const id = `room-${classes += 1}`;
    const url = await fake.set(id, { title: name, state: 'live', air: 'on', low: true, room: true, ...order });
    const pages = [];
    const open = async (screen = SCREENS.desktop, path = url) => {
      const page = await openPage(browser, path, { reducedMotion: 'reduce', ...screen });
      page.setDefaultTimeout(60000);
      pages.push(page);
      return page;
    };
    const { say, role, pass } = guests(fake, id);
    try {
      await body({ open, say, pass, url, host: role('Dr Ada Byron', 'host'), id, studio: `${fake.url}/studio/${id}${SECRET}`, set: (more) => fake.set(id, more) });
      for (const page of pages) {
        assert.deepEqual(page.faults, []);
      }
    } finally {
      await Promise.all(pages.map((page) => page.context().close()));
    }
  });
}

const texts = (page) => page.locator('#log .body').allInnerTexts();
const untilTexts = (page, want) => until(async () => {
  const got = await texts(page);
  return JSON.stringify(got) === JSON.stringify(want) ? '' : `messages are ${JSON.stringify(got)}, not ${JSON.stringify(want)}`;
});

/** write sends a chat message, and answers the question for a name with `name`. */
async function write(page, text, name = null) {
  await page.locator('#chat-text:enabled').fill(text);
  await page.locator('#chat-text').press('Enter');
  if (name !== null) {
    await page.locator('#name').fill(name);
    await page.locator('#name').press('Enter');
  }
}

describe('room', { concurrency: 4 }, () => {
  before(async () => {
    fake = await startFake();
    browser = await launchBrowser();
  });
  after(async () => {
    await browser?.close();
    await fake?.stop();
  });

  inRoom('chat between two viewers, over a reload', async ({ open }) => {
    const ann = await open();
    const ben = await open(SCREENS.phone);
    await write(ann, 'Hello <b>you</b>', 'Ann Smith');
    await untilTexts(ben, ['Hello <b>you</b>']);
    assert.equal(await ben.locator('.author').first().innerText(), 'Ann Smith');
    await write(ben, 'Hello Ann', '');
    await untilTexts(ann, ['Hello <b>you</b>', 'Hello Ann']);
    await ann.reload();
    await untilTexts(ann, ['Hello <b>you</b>', 'Hello Ann']);
    await ann.locator('.message.mine').waitFor();
    assert.match(await ann.locator('.message.mine .author').innerText(), /^Ann Smith \(you\)/);
    await write(ann, 'back');
    await untilTexts(ben, ['Hello <b>you</b>', 'Hello Ann', 'back']);
  });

  inRoom('replies, changes and deletions, by the keyboard', async ({ open, say }) => {
    const { id } = await say('Ben', 'chat.send', { text: 'What is ATP?' });
    assert.ok(id);
    const ann = await open();
    await untilTexts(ann, ['What is ATP?']);
    await ann.locator('#log').focus();
    await ann.keyboard.press('ArrowUp');
    assert.equal(await ann.evaluate(() => document.activeElement.dataset.id), id);
    await ann.keyboard.press('Tab');
    await ann.keyboard.press('Enter');
    await ann.locator('#replying:visible').waitFor();
    assert.equal(await ann.evaluate(() => document.activeElement.id), 'chat-text');
    await write(ann, 'A molcule', 'Ann');
    await ann.locator('.message.mine .quoted').waitFor();
    const mine = ann.locator('.message.mine:not(.sending)');
    await mine.focus();
    await mine.getByRole('button', { name: 'Edit your message' }).press('Enter');
    await mine.locator('textarea').fill('A molecule');
    await mine.locator('textarea').press('Enter');
    await untilTexts(ann, ['What is ATP?', 'A molecule']);
    await mine.focus();
    await mine.getByRole('button', { name: 'Delete your message' }).press('Enter');
    await untilTexts(ann, ['What is ATP?']);
  });

  inRoom('the newest message is in sight, whatever else comes above and below', async ({ open, say, host }) => {
    let id;
    for (let i = 0; i < 30; i += 1) {
      ({ id } = await say(`Guest ${i}`, 'chat.send', { text: `message ${i}` }, 'moderator'));
    }
    await host('announce', { text: 'Break '.repeat(20) });
    await host('chat.pin', { message: id, pinned: true });
    const ann = await open(SCREENS.phone);
    const inSight = () => until(() => ann.evaluate((last) => {
      const log = document.getElementById('log').getBoundingClientRect();
      const row = document.querySelector(`.message[data-id="${last}"]`)?.getBoundingClientRect();
      return row && row.bottom <= log.bottom + 1 ? '' : `the last message ends at ${row?.bottom}, the list at ${log.bottom}`;
    }, id));
    await ann.locator('.announcement').waitFor();
    await inSight();
    await host('room.set', { slow_mode_s: 5 });
    await ann.getByText('Slow mode: one message every 5 s.').waitFor();
    await inSight();
    await ann.locator('#tab-questions').click();
    ({ id } = await host('chat.send', { text: 'while away' }));
    await until(async () => ((await ann.locator('#count-chat').innerText()) === '1' ? '' : 'the new message is not counted'));
    await ann.locator('#tab-chat').click();
    await inSight();
  });

  inRoom('new messages wait for who reads older ones, and while paused', async ({ open, say }) => {
    for (let i = 0; i < 30; i += 1) {
      await say(`Guest ${i}`, 'chat.send', { text: `message ${i}` }, 'moderator');
    }
    const ann = await open();
    await until(async () => ((await texts(ann)).length === 30 ? '' : 'not all are there'));
    await ann.locator('#log').evaluate((log) => { log.scrollTop = 0; });
    await say('Ben', 'chat.send', { text: 'late' });
    await ann.locator('#newer:visible').waitFor();
    assert.equal(await ann.locator('#newer').innerText(), '1 new message');
    assert.equal(await ann.locator('#log').evaluate((log) => log.scrollTop), 0);
    await ann.locator('#newer').click();
    await ann.locator('#newer').waitFor({ state: 'hidden' });
    await ann.locator('#chat-pause').click();
    await say('Chiara', 'chat.send', { text: 'unseen' });
    await until(async () => ((await ann.locator('#newer').innerText()) === '1 new message while paused' ? '' : 'nothing is counted'));
    assert.equal((await texts(ann)).at(-1), 'late');
    await ann.locator('#chat-pause').click();
    await until(async () => ((await texts(ann)).at(-1) === 'unseen' ? '' : 'it does not go on'));
  });

  inRoom('slow mode, muting and other ways to be quiet', async ({ open, host }) => {
    const ann = await open();
    await write(ann, 'first', 'Ann');
    await untilTexts(ann, ['first']);
    await host('room.set', { slow_mode_s: 300 });
    await ann.getByText(/^You can write again in \d+ s\.$/).waitFor();
    await ann.locator('#chat-text').fill('second');
    assert.ok(await ann.locator('#chat-send').isDisabled());
    const ben = await open();
    await ben.getByText('Slow mode: one message every 300 s.').waitFor();
    await host('room.set', { slow_mode_s: 0, chat: 'hosts' });
    await ann.getByText('Only the teacher writes here now').waitFor();
    assert.ok(await ann.locator('#to-staff').isChecked());
    await host('room.set', { paused: true });
    await ann.locator('#chat-text:disabled').waitFor();
    await host('room.set', { paused: false, chat: 'open' });
    await ann.locator('#chat-text:enabled').waitFor();
  });

  inRoom('questions: asked without a name, voted for, answered', async ({ open, say, host }) => {
    const ann = await open();
    const ben = await open();
    await ann.locator('#tab-questions').click();
    await ann.locator('#ask-text:enabled').fill('Will this be in the exam?');
    await ann.locator('#ask-anonymous').check();
    await ann.locator('#ask-send').click();
    await ann.getByText('You, without your name').waitFor();
    await ben.locator('#tab-questions').click();
    const question = ben.locator('.question');
    await question.waitFor();
    assert.equal(await question.locator('.author').innerText(), 'Anonymous');
    await question.locator('.vote').click();
    await until(async () => ((await ann.locator('.question .votes').innerText()) === '1' ? '' : 'the vote is not there'));
    assert.equal(await question.locator('.vote').getAttribute('aria-pressed'), 'true');
    const { id } = await say('Chiara', 'question.ask', { text: 'Second?' });
    await host('question.move', { question: id, state: 'answering' });
    await ben.getByText('Being answered').waitFor();
    await host('question.answer', { question: id, text: 'Page 41.' });
    await ben.locator('#question-filter').selectOption('answered');
    await ben.getByText('Page 41.').waitFor();
    await ann.getByRole('button', { name: 'Withdraw' }).click();
    await ann.locator('.question', { hasText: 'in the exam' }).waitFor({ state: 'detached' });
  });

  inRoom('a poll appears at its moment of the lecture, takes one vote, shows what is right, and is there after a reload', async ({ open, host }) => {
    const ann = await open();
    await untilPlaying(ann, 1);
    await ann.locator('#chat-text:enabled').waitFor();
    const { id } = await host('poll.save', { kind: 'single', prompt: 'Which one?', options: ['red', 'green'], correct: [1], quiz: true, results: 'after' });
    await host('poll.open', { poll: id, seconds: 300 });
    await ann.locator('.ballot').waitFor();
    const { at, closesAt, date } = await ann.evaluate(() => {
      const [poll] = window.lecternRoom.polls;
      return { at: poll.openedAt, closesAt: poll.closesAt, date: window.lecternRoom.media().date };
    });
    assert.ok(at > 0 && date >= at && closesAt === at + 300000, `shown at ${date}, due at ${at}, until ${closesAt}`);
    await ann.getByLabel('green').check();
    await ann.getByRole('button', { name: 'Vote' }).click();
    await ann.getByText('Your vote: green').waitFor();
    await ann.reload();
    await ann.getByText('Your vote: green').waitFor();
    await host('poll.close', { poll: id });
    await ann.getByRole('heading', { name: 'Quiz closed' }).waitFor();
    await host('poll.reveal', { poll: id });
    await ann.getByText('Your answer is right.').waitFor();
    assert.match(await ann.locator('.bar-row.right').innerText(), /green ✓ correct · your vote\s*100% \(1\)/);
    await ann.getByRole('button', { name: 'Put away' }).click();
    await ann.locator('.poll-card').waitFor({ state: 'detached' });
  });

  inRoom('who is behind sees the poll later, and who goes back before it does not see it', async ({ open, host }) => {
    const ann = await open();
    await untilPlaying(ann, 1);
    await ann.locator('#chat-text:enabled').waitFor();
    await ann.locator('#play').press('Enter'); // also where the picture stands at this moment for want of data
    await untilState(ann, 'paused');
    const { id } = await host('poll.save', { kind: 'cloud', prompt: 'One word', results: 'live' });
    await host('poll.open', { poll: id });
    // The picture stands: its moment does not come.
    await new Promise((resolve) => { setTimeout(resolve, 1500); });
    assert.equal(await ann.locator('.poll-card').count(), 0);
    await ann.locator('#play').press('Enter');
    await ann.locator('.poll-card').waitFor();
    await ann.keyboard.press('Home'); // however long all this took, the class began before
    await ann.locator('.poll-card').waitFor({ state: 'detached' });
  }, { past: 60, dvr: 0 });

  inRoom('who cannot reach the room when a poll opens is told so by the playlists, and has it once the room is back', async ({ open, host, set }) => {
    const ann = await open();
    await untilPlaying(ann, 1);
    await ann.locator('#chat-text:enabled').waitFor();
    await set({ faults: [{ match: '/grant', status: 503 }] });
    await ann.evaluate(() => window.lecternRoom.drop());
    const { id } = await host('poll.save', { kind: 'single', prompt: 'Which one?', options: ['red', 'green'], results: 'after' });
    await host('poll.open', { poll: id });
    const late = await open(SCREENS.phone);
    for (const page of [ann, late]) {
      const notice = page.locator('#polls').getByText('A poll is open. Reconnecting to the class’s room…');
      await notice.waitFor();
      await page.locator('#room-status', { hasText: 'A poll is open.' }).waitFor({ state: 'attached' });
      assert.equal(await page.locator('.ballot').count(), 0);
    }
    await set({ faults: [] });
    for (const page of [ann, late]) {
      await page.locator('.ballot').waitFor();
      assert.equal(await page.getByText('Reconnecting to the class’s room').count(), 0);
    }
    await host('poll.close', { poll: id });
    await ann.getByRole('heading', { name: 'Poll closed' }).waitFor();
  });

  inRoom('hands, reactions and the pace', async ({ open, studio }) => {
    const host = await open(SCREENS.desktop, studio);
    const ann = await open();
    await ann.locator('#hand:visible').click();
    await ann.getByText('You are next').waitFor();
    await host.locator('#tab-hands').click();
    await host.getByRole('button', { name: 'Give the word' }).click();
    await ann.locator('#word').getByText('you have the word').waitFor();
    await ann.getByText('Raise hand').waitFor();
    await ann.getByRole('button', { name: 'Applause' }).click();
    await host.locator('#reacted:visible').waitFor();
    await ann.getByRole('button', { name: 'Too fast' }).click();
    assert.equal(await ann.locator('[data-pulse=fast]').getAttribute('aria-pressed'), 'true');
  });

  inRoom('announcements stand until they are taken down', async ({ open, host }) => {
    const ann = await open();
    await ann.locator('#chat-text:enabled').waitFor();
    const { id } = await host('announce', { text: 'Break until 10:40' });
    await ann.locator('.announcement').getByText('Break until 10:40').waitFor();
    await host('announce.clear', { announcement: id });
    await ann.locator('.announcement').waitFor({ state: 'detached' });
  });

  inRoom('a lost connection comes back, and nothing is missing', async ({ open, say }) => {
    const ann = await open();
    await ann.locator('#chat-text:enabled').waitFor();
    await ann.context().setOffline(true);
    // A socket that is open already does not notice; it is cut as a network cuts it.
    await ann.evaluate(() => window.lecternRoom.drop());
    await ann.locator('#room-state').getByText('The connection to the room was lost').waitFor();
    await say('Ben', 'chat.send', { text: 'while you were away' });
    await write(ann, 'typed offline', 'Ann');
    await ann.locator('.sending').waitFor();
    await ann.context().setOffline(false);
    await untilTexts(ann, ['while you were away', 'typed offline']);
    await ann.locator('#room-state').waitFor({ state: 'hidden' });
    await ann.locator('.message.mine:not(.sending)').waitFor();
  });

  inRoom('who is excluded is told so, and the video goes on', async ({ open, studio }) => {
    const host = await open(SCREENS.desktop, studio);
    const ann = await open();
    await untilPlaying(ann, 1);
    await write(ann, 'something rude', 'Rude Ann');
    const row = host.locator('.message', { hasText: 'something rude' });
    await row.focus();
    await row.getByRole('button', { name: 'Moderate Rude Ann' }).press('Enter');
    await host.getByRole('button', { name: 'Exclude' }).click();
    await ann.locator('#room-state').getByText('You were excluded').waitFor();
    await untilPlaying(ann, 0.5);
    await row.focus();
    await row.getByRole('button', { name: 'Delete the message of Rude Ann' }).press('Enter');
    await row.getByText('Deleted:').waitFor();
  });

  inRoom('a class for viewers with a link lets those into its room', async ({ open, id, say }) => {
    await say('Ben', 'chat.send', { text: 'hello' });
    const ann = await open();
    await ann.locator('#room-state').getByText('The room opens with a link from your teacher.').waitFor();
    assert.equal(await ann.locator('#chat-text').isVisible(), false);
    const now = Math.floor(Date.now() / 1000);
    await ann.evaluate((token) => { location.hash = `#t=${token}`; }, `v1.k1.${now}.${now + 3600}.abcdefgh1.${id}.good`);
    await ann.locator('.message').waitFor();
  }, { access: 'token' });

  inRoom('a pass in the link says who one is', async ({ open, id, studio }) => {
    const host = await open(SCREENS.desktop, studio);
    await host.locator('#chat-text:enabled').waitFor();
    const pass = await host.evaluate(() => Object.values({ ...sessionStorage })[0]);
    const now = Math.floor(Date.now() / 1000);
    const page = await open(SCREENS.desktop, `${studio.replace('/studio/', '/watch/').replace(/#.*/, '')}#p=${pass}&t=v1.k1.${now}.${now + 3600}.abcdefgh1.${id}.good`);
    await write(page, 'as the host');
    await page.locator('.message .role').getByText('Host').waitFor();
    assert.equal(new URL(page.url()).hash, '');
    await untilPlaying(page, 0.5);
  }, { access: 'token' });

  inRoom('naming somebody: offered after an @, marked for them and said to them', async ({ open, say, pass, url }) => {
    await say('Ben Okafor', 'chat.send', { text: 'hello' });
    await say('Bénédicte', 'chat.send', { text: 'salut' });
    const ann = await open();
    const ben = await open(SCREENS.desktop, `${url}#p=${await pass('Ben Okafor', 'participant')}`);
    await write(ann, 'Good morning', 'Ann');
    await untilTexts(ben, ['hello', 'salut', 'Good morning']);
    const field = ann.locator('#chat-text');
    await field.pressSequentially('Thanks @be');
    const options = ann.getByRole('option');
    assert.deepEqual(await options.allInnerTexts(), ['Bénédicte', 'Ben Okafor']);
    await field.press('ArrowDown');
    assert.equal(await ann.getByRole('option', { selected: true }).innerText(), 'Ben Okafor');
    assert.equal(await field.getAttribute('aria-activedescendant'), await options.last().getAttribute('id'));
    await field.press('Enter');
    assert.equal(await field.inputValue(), 'Thanks @Ben Okafor ');
    await field.pressSequentially('for the link. Ask me@home');
    assert.equal(await options.count(), 0);
    await field.press('Enter');
    const row = ben.locator('.message.to-me');
    await row.getByText('To you').waitFor();
    assert.equal(await row.locator('.mention').innerText(), '@Ben Okafor');
    await ben.locator('#room-news').getByText('Ann to you: Thanks @Ben Okafor for the link.').waitFor({ state: 'attached' });
    // An answer is for whoever is answered, without any @.
    await row.focus();
    await row.getByRole('button', { name: 'Reply to Ann' }).press('Enter');
    await write(ben, 'With pleasure');
    await ann.locator('.message.to-me', { hasText: 'With pleasure' }).waitFor();
    assert.equal(await ben.locator('.message.to-me').count(), 1);
    await field.pressSequentially('@');
    await options.first().waitFor();
    await field.press('Escape');
    await options.first().waitFor({ state: 'detached' });
    assert.equal(await field.inputValue(), '@');
  });

  inRoom('a moderator keeps order from the watch page', async ({ open, say, pass, url, host }) => {
    await say('Ben', 'hand.raise');
    await say('Rude Ann', 'chat.send', { text: 'something rude' });
    const mo = await open(SCREENS.desktop, `${url}#p=${await pass('Mo', 'moderator')}`);
    const ann = await open();
    await ann.locator('#chat-text:enabled').waitFor();
    assert.equal(await ann.locator('#tab-hands:visible, #settings:visible').count(), 0);
    await mo.locator('#tab-hands').click();
    await until(async () => ((await mo.locator('#count-hands').innerText()) === '1' ? '' : 'no hand is counted'));
    await mo.getByRole('button', { name: 'Give the word' }).click();
    await mo.getByText('Ben has the word.').first().waitFor();
    await mo.locator('#settings summary').click();
    await mo.locator('#set-slow').selectOption('30');
    await ann.getByText('Slow mode: one message every 30 s.').waitFor();
    await mo.locator('#set-chat').selectOption('questions');
    await ann.getByText('The chat is for questions now').waitFor();
    // The rest is the host's.
    assert.equal(await mo.locator('#set-names:visible, #set-links:visible, #set-locked:visible, #set-paused:visible, #set-words:visible').count(), 0);
    await host('room.set', { slow_mode_s: 0, chat: 'open' });
    await mo.locator('#settings-now').getByText('everybody').waitFor();
    await mo.locator('#tab-chat').click();
    const row = mo.locator('.message', { hasText: 'something rude' });
    await row.focus();
    await row.getByRole('button', { name: 'Moderate Rude Ann' }).press('Enter');
    await row.getByRole('button', { name: 'Mute 5 min' }).click();
    await mo.locator('#tab-hands').click();
    await mo.locator('#restricted summary').click();
    await mo.locator('#restricted').getByText(/^muted, until \d\d:\d\d$/).waitFor();
    await mo.locator('#restricted').getByRole('button', { name: 'Unmute' }).click();
    await mo.locator('#restricted').waitFor({ state: 'hidden' });
    await say('Rude Ann', 'chat.send', { text: 'sorry' });
  });

  /** fromServer has the page told something else than the server says. */
  const fromServer = (page, change, opened = () => {}) => page.routeWebSocket(/\/ws\//, (client) => {
    opened(client);
    const server = client.connectToServer();
    server.onMessage((frame) => client.send(String(frame).split('\n').map((line) => (line === '' ? '' : JSON.stringify(change(JSON.parse(line))))).join('\n')));
  });

  inRoom('who is given more time has it', async ({ open, host, url }) => {
    const ann = await open(SCREENS.desktop, 'about:blank');
    await fromServer(ann, (event) => (event.type === 'welcome' ? { ...event, data: { ...event.data, extra_time: 200 } } : event));
    await ann.goto(url);
    await untilPlaying(ann, 1);
    await ann.locator('#chat-text:enabled').waitFor();
    const { id } = await host('poll.save', { kind: 'single', prompt: 'Which one?', options: ['red', 'green'], results: 'after' });
    await host('poll.open', { poll: id, seconds: 600 });
    await ann.locator('.ballot').waitFor();
    const [minutes] = (await ann.locator('.time-left').innerText()).split(':');
    assert.ok(Number(minutes) > 10 && Number(minutes) <= 30, `${minutes} min are left`);
    await ann.getByText('You have more time than others.').waitFor();
  });

  inRoom('who is restricted is listed for staff who come later, and can be let go', async ({ open, say, pass, url }) => {
    await say('Ben', 'chat.send', { text: 'hello' });
    const mo = await open(SCREENS.desktop, 'about:blank');
    const ban = { participant: `p_${Buffer.from('Ben').toString('hex')}`, name: 'Ben', banned: true, reason: 'advertising' };
    await fromServer(mo, (event) => (event.type === 'welcome' ? { ...event, data: { ...event.data, snapshot: { ...event.data.snapshot, restrictions: [ban] } } } : event));
    await mo.goto(`${url}#p=${await pass('Mo', 'moderator')}`);
    await mo.locator('#tab-hands').click();
    await mo.locator('#restricted summary').click();
    await mo.locator('#restricted').getByText('excluded, advertising').waitFor();
    await mo.locator('#restricted').getByRole('button', { name: 'Let back in' }).click();
    await mo.locator('#restricted').waitFor({ state: 'hidden' });
  });

  inRoom('when the class has ended its room stays for a while, and closes quietly', async ({ open, say, set, url }) => {
    const ann = await open(SCREENS.desktop, 'about:blank');
    let socket;
    await fromServer(ann, (event) => event, (client) => { socket = client; });
    await ann.goto(url);
    await say('Ben', 'chat.send', { text: 'Thank you!' });
    await write(ann, 'Bye', 'Ann');
    await untilTexts(ann, ['Thank you!', 'Bye']);
    await ann.locator('.message.mine:not(.sending)').waitFor();
    const until = Date.now() + 120000;
    socket.send(JSON.stringify({ v: 1, type: 'room.closes', rev: 1, data: { until } }));
    const time = new Date(until).toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' });
    await ann.locator('#room-closing').getByText(`The class has ended. You can write here until ${time}.`).waitFor();
    await write(ann, 'See you');
    await untilTexts(ann, ['Thank you!', 'Bye', 'See you']);
    await set({ state: 'ended', air: 'end' });
    await socket.close({ code: 4004 });
    await ann.locator('#room-state').getByText('The class has ended, and its room has closed.').waitFor();
    assert.ok(await ann.locator('#chat-text').isDisabled());
    assert.equal(await ann.locator('#room-closing:visible, #feel:visible, .tools button:visible').count(), 0);
    await untilTexts(ann, ['Thank you!', 'Bye', 'See you']);
  });

  test('without a room the page is as it was', { timeout: 120000 }, async () => {
    const url = await fake.set('roomless', { state: 'live', air: 'on' });
    const page = await openPage(browser, url, SCREENS.desktop);
    await untilPlaying(page, 1);
    assert.equal(await page.locator('#room').count(), 0);
    assert.equal(await page.locator('#polls').count(), 0);
    assert.deepEqual(page.faults, []);
    await page.context().close();
  });
});
