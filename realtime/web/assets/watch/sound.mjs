// Starting, with sound if the browser lets us. Browsers forbid sound before the
// first gesture on a site; then the class starts muted and a button offers it.

const VOLUME_KEY = 'lectern.volume';

export function sound(video) {
  const button = document.getElementById('sound');
  let wanted = true; // false once the viewer has paused
  let forced = false; // muted by us, not by the viewer
  let blocked = false; // not even muted play is allowed before a gesture

  const saved = Number.parseFloat(recall(VOLUME_KEY));
  if (saved >= 0 && saved <= 1) {
    video.volume = saved;
  }

  function show() {
    button.hidden = !(forced && video.muted && !video.paused);
  }

  async function play() {
    if (!wanted || blocked) {
      return;
    }
    try {
      await video.play();
    } catch (err) {
      // AbortError means that a new source came in between; its own start follows.
      if (err.name === 'NotAllowedError') {
        await playMuted();
      }
    }
    show();
  }

  async function playMuted() {
    // Two starts may overlap: the second finds the video muted by the first.
    forced = forced || !video.muted;
    video.muted = true;
    try {
      await video.play();
    } catch (err) {
      blocked = err.name === 'NotAllowedError';
    }
  }

  function unmute() {
    forced = false;
    video.muted = false;
    if (video.volume === 0) {
      video.volume = 0.5;
    }
    show();
  }

  button.addEventListener('click', () => {
    unmute();
    document.getElementById('mute').focus({ focusVisible: false });
  });
  video.addEventListener('play', () => {
    wanted = true;
    show();
  });
  video.addEventListener('playing', () => { blocked = false; });
  video.addEventListener('pause', () => {
    // Media keys, a phone call, the small window: all mean that the viewer's side
    // wants no more. A source being replaced has no data at this moment.
    if (!video.ended && video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA) {
      wanted = false;
    }
    show();
  });
  video.addEventListener('volumechange', () => {
    if (!video.muted) {
      forced = false;
      remember(VOLUME_KEY, String(video.volume));
    }
    show();
  });

  return {
    /** play starts or goes on, unless the viewer has paused. */
    play,
    get wanted() { return wanted; },
    get blocked() { return blocked; },
    /** toggle is the play button. */
    toggle() {
      if (video.paused) {
        wanted = true;
        blocked = false;
        play();
      } else {
        wanted = false;
        video.pause();
      }
    },
    toggleMute() {
      if (video.muted || video.volume === 0) {
        unmute();
      } else {
        forced = false;
        video.muted = true;
      }
    },
    setVolume(volume) {
      forced = false;
      video.volume = volume;
      video.muted = volume === 0;
    },
  };
}

// Storage is refused in private windows and in some frames; it is only a comfort.
function recall(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function remember(key, value) {
  try {
    localStorage.setItem(key, value);
  } catch {
    // Then not.
  }
}
