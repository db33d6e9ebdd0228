// The watch page. How the parts fit together:
//
//   class-info.mjs    asks the server what state the class is in ──┐
//   player.mjs        plays, recovers, says how it is going ───────┼─> view.mjs decides which ONE state
//     by engine-hls.mjs or engine-native.mjs                       │   the page is in; the rest shows it
//     engine-levels.mjs keeps hls.js to what offers.mjs finds on   │
//     offer, engine-link.mjs and link.mjs to what the link carries │
//     past.mjs and program-date.mjs find the way back              │
//   server-clock.mjs  tells how late the picture is ───────────────┘
//   pass.mjs, token-text.mjs  the viewer's token, where one is needed
//
//   overlay.mjs     the message over the picture     controls.mjs, captions.mjs  the buttons
//   live.mjs        LIVE, behind, jump to live       shortcuts.mjs, idle.mjs     keyboard, hiding
//   seek.mjs, storyboard.mjs  the timeline           recording.mjs               after the end
//   sound.mjs       starting with or without sound   announce.mjs                screen readers
//   quality-menu.mjs, quality-choice.mjs  the rung   bandwidth.mjs               the first guess
//   words.mjs, time-words.mjs  every sentence        recovery.mjs, screen.mjs    helpers of one part
//
// What stands beside it, ../room and ../studio, looks at `lesson`; nothing here knows of them.
//
// Four times a second, and when something happens to the video, one tick takes a
// sample of everything and renders; nothing else changes the page, so that no two
// parts can disagree about it.

import { announcer } from './announce.mjs';
import { followClass } from './class-info.mjs';
import { captions } from './captions.mjs';
import { controls } from './controls.mjs';
import { idle } from './idle.mjs';
import { liveBadge } from './live.mjs';
import { overlay } from './overlay.mjs';
import { createPass } from './pass.mjs';
import { createPlayer } from './player.mjs';
import { recallChoice } from './quality-choice.mjs';
import { qualityMenu } from './quality-menu.mjs';
import { recording } from './recording.mjs';
import { timeline } from './seek.mjs';
import { serverClock } from './server-clock.mjs';
import { shortcuts } from './shortcuts.mjs';
import { sound } from './sound.mjs';
import { storyboard } from './storyboard.mjs';
import { createTold } from './told.mjs';
import { viewOf, shouldPlay } from './view.mjs';

const TICK_MS = 250;

const page = document.getElementById('class');
const stage = document.getElementById('stage');
const video = document.getElementById('video');

const clock = serverClock();
const pass = createPass(page.dataset.id, page.dataset.access === 'token', clock);
const voice = sound(video);
const player = createPlayer(video, page.dataset.hlsModule, voice, recallChoice(), pass, () => info.doubt());

let view = viewOf(initialClass(), player.sample());
const info = followClass(page.dataset.classUrl, initialClass(), clock, () => view, pass);
const replay = recording(player, page.dataset.state === 'ended');

/** latency is how old the picture on screen is, in seconds, or null if unknown. */
function latency() {
  const date = player.playingDate();
  return date === null ? null : Math.max(0, (clock.now() - date) / 1000);
}

const announce = announcer();
const line = timeline(player, pass, { say: announce.say, pictures: storyboard(pass) });
const live = liveBadge(player, line.drop);
const renderers = [
  overlay(clock, () => {
    line.drop();
    replay.play(info.current());
  }),
  live,
  controls(stage, video, voice),
  line,
  captions(video),
  qualityMenu(stage, player, { say: announce.say, changed: tick }),
  announce,
];
// Where there is no timeline L is what it was before there were timelines.
shortcuts({
  jumpToLive: () => live.jump() || line.seekToEnd(),
  seekBy: (seconds) => line.seekBy(seconds) || (seconds > 0 && live.jump()),
  seekToStart: line.seekToStart,
});
idle(stage, video);

function tick() {
  const cls = info.current();
  if (shouldPlay(cls, view)) {
    player.start(cls);
  }
  const media = player.sample();
  view = viewOf(cls, media, view);
  replay.follow(cls, view);
  if (view === 'locked') {
    player.stop();
  }
  if (cls.thumbnail && pass.needed && !video.poster) {
    video.poster = pass.wire(cls.thumbnail);
  }
  player.supervise(cls.state);
  const scene = { cls, media, view, latency: latency(), quality: player.quality(), recorded: replay.there };
  page.dataset.view = view;
  for (const render of renderers) {
    render(scene);
  }
}

function initialClass() {
  const { state, startsAt, hls, dvr, access } = page.dataset;
  return {
    state, startsAt: startsAt ? Date.parse(startsAt) : null, hls, dvr, gone: false,
    locked: access === 'token' && !pass.has ? 'needed' : null,
  };
}

info.onChange((now, before) => {
  if (now.state === 'live' && before.state !== 'live') {
    player.kick();
  }
  if (now.state !== 'ended' && before.state === 'ended') {
    player.stop();
  }
  tick();
});
pass.onNew(info.ask);
setInterval(tick, TICK_MS);
for (const type of ['play', 'playing', 'pause', 'ended', 'volumechange', 'seeked']) {
  video.addEventListener(type, tick);
}
video.textTracks.addEventListener('change', tick);
document.addEventListener('fullscreenchange', tick);
tick();

/** lesson is what stands beside the player, such as the class's room, may know of it. */
export const lesson = Object.freeze({ page, stage, video, player, clock, pass, told: createTold(player, video), current: info.current, view: () => view, latency });

// For tests and for the curious. Nothing here changes what is played.
Object.defineProperty(window, 'lectern', {
  value: Object.freeze({
    latency,
    get state() { return view; },
    get hls() { return player.hls; },
    get quality() { return player.quality(); },
    get timeline() { return player.timeline(); },
    refresh: player.refresh,
  }),
});
