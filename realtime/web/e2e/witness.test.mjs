// Two witnesses that know nothing of us: hls-parser reads every playlist, those of
// the real packager too, and Shaka Player plays the low-latency ladder.

import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import HLS from 'hls-parser';
import { openPage, until } from './browser.mjs';
import { suite } from './suite.mjs';

/** GOLDEN is where the packager's tests keep what it writes. */
const GOLDEN = new URL('../../../hls/testdata/', import.meta.url);
/**
 * Parts are listed for three target durations from the end (RFC 8216bis §6.2.2),
 * which we count from the last segment that is finished. hls-parser counts three
 * segments, and the one that is being made is one of them.
 * And it wants version 8 for EXT-X-GAP, which needs none (RFC 8216bis §8).
 */
const KNOWN = /Remove EXT-X-PART tags|EXT-X-VERSION needs to be 8 or higher/;

/** parse reads a playlist strictly. */
function parse(text) {
  HLS.setOptions({ strictMode: true });
  try {
    return HLS.parse(text);
  } catch (error) {
    if (!KNOWN.test(error.message)) {
      throw error;
    }
  }
  HLS.setOptions({ strictMode: false });
  const playlist = HLS.parse(text);
  let toEnd = 0;
  for (const segment of playlist.segments.filter((s) => s.duration > 0).reverse()) {
    assert.ok(segment.parts.length === 0 || toEnd <= 3 * playlist.targetDuration, `parts ${toEnd} s from the end`);
    toEnd += segment.duration;
  }
  return playlist;
}

const { add, run } = suite('witness');

add('hls-parser reads what the packager writes', async () => {
  const names = (await readdir(GOLDEN)).filter((name) => name.endsWith('.golden'));
  assert.ok(names.length > 20, `${names.length} playlists`);
  for (const name of names) {
    const text = await readFile(new URL(name, GOLDEN), 'utf8');
    if (text.startsWith('#EXTM3U')) {
      assert.doesNotThrow(() => parse(text), name);
    }
  }
});

add('hls-parser reads what the other tests are played', async ({ fake }) => {
  const order = { title: 'witness', state: 'live', ladder: true, dvr: 0, past: 60, captions: true, air: 'on' };
  for (const [id, more] of [['plain', {}], ['low', { low: true }], ['over', { low: true }]]) {
    await fake.set(id, { ...more, ...order });
    if (id === 'over') {
      await fake.set(id, { air: 'end', state: 'ended' });
    }
    const base = `${fake.url}/live/${id}/`;
    let read = 0;
    for (const start of ['index.m3u8', 'dvr.m3u8']) {
      const all = parse(await (await fetch(base + start)).text());
      assert.equal(all.isMasterPlaylist, true);
      const others = all.variants.flatMap((v) => [v, ...v.audio, ...v.subtitles]);
      for (const uri of new Set(others.map((v) => v.uri))) {
        for (const query of ['', '?_HLS_skip=YES']) {
          const text = await (await fetch(base + uri + query)).text();
          assert.doesNotThrow(() => parse(text), `${id} ${uri}${query}`);
          read += 1;
        }
      }
    }
    assert.ok(read >= 20, `${id}: ${read} playlists`);
  }
});

add('Shaka Player plays the ladder', async ({ fake, browser }) => {
  const script = await readFile(createRequire(import.meta.url).resolve('shaka-player/dist/shaka-player.compiled.js'), 'utf8');
  const url = await fake.set('shaka', { title: 'shaka', state: 'live', ladder: true, low: true, past: 30, air: 'on' });
  const page = await openPage(browser, `${fake.url}/watch/nothing`); // the same origin, and an empty stage
  try {
    await page.evaluate(script); // by the debugger, which the content policy does not bind
    await page.evaluate(async (source) => {
      const video = document.createElement('video');
      video.muted = true;
      document.body.replaceChildren(video);
      const player = new window.shaka.Player();
      const errors = [];
      player.addEventListener('error', (event) => errors.push(`${event.detail.code} ${event.detail.message}`));
      window.witness = { player, video, errors };
      await player.attach(video);
      player.configure({ streaming: { lowLatencyMode: true }, abr: { enabled: false } });
      await player.load(source);
      await video.play();
    }, url.replace('/watch/shaka', '/live/shaka/index.m3u8'));
    const look = () => page.evaluate(() => {
      const { player, video, errors } = window.witness;
      return { time: video.currentTime, width: video.videoWidth, live: player.isLive(), sizes: player.getVariantTracks().map((t) => t.height).sort(), errors };
    });
    const played = async (seconds, width) => {
      const { time } = await look();
      await until(async () => {
        const now = await look();
        assert.deepEqual(now.errors, []);
        return now.time > time + seconds && (!width || now.width === width) ? '' : JSON.stringify(now);
      });
    };
    await played(2);
    const { live, sizes } = await look();
    assert.equal(live, true);
    assert.deepEqual(sizes.filter(Boolean).sort((a, b) => a - b), [180, 360, 540]);
    for (const height of [180, 540]) {
      await page.evaluate((want) => {
        const { player } = window.witness;
        player.selectVariantTrack(player.getVariantTracks().find((t) => t.height === want), true);
      }, height);
      await played(1, height * 16 / 9);
    }
    assert.deepEqual(page.faults, []);
  } finally {
    await page.context().close();
  }
});

run();
