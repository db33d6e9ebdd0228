// The browser's own HLS, only where there are no Media Source Extensions (iPhones
// before iOS 17.1). Chrome also claims to play HLS, but without low latency.

export function canPlayNatively(video) {
  return video.canPlayType('application/vnd.apple.mpegurl') !== '';
}

/** nativeEngine has the same shape as hlsEngine. */
export function nativeEngine(video, url, { onReady, report }, pass, place) {
  const listening = new AbortController();
  const on = (type, listen) => video.addEventListener(type, listen, { signal: listening.signal });
  let wanted = place; // until the video is there

  on('loadedmetadata', () => {
    if (wanted.kind === 'recording') {
      video.currentTime = wanted.at;
    } else if (wanted.kind === 'past' && startDate() !== null) {
      video.currentTime = (wanted.date - startDate()) / 1000;
    }
    wanted = { kind: 'live' };
    onReady();
  });
  on('error', () => {
    const code = video.error?.code;
    report(code === MediaError.MEDIA_ERR_DECODE ? 'media' : 'network');
  });

  function load() {
    video.src = pass.wire(url);
    video.load();
  }
  const edge = () => (video.seekable.length ? video.seekable.end(video.seekable.length - 1) : null);

  function startDate() {
    const date = video.getStartDate?.().getTime();
    return Number.isFinite(date) ? date : null;
  }
  const dateAt = (position) => (startDate() === null ? null : startDate() + position * 1000);
  load();

  return {
    hls: null,
    levels: null,
    bandwidth: () => null,
    lag() {
      // The browser does not tell its target; a dozen seconds is what it usually keeps.
      const end = edge();
      return end === null || Number.isFinite(video.duration) ? null : Math.max(0, end - video.currentTime - 12);
    },
    playingDate: () => dateAt(video.currentTime),
    span() {
      const from = video.seekable.length ? dateAt(video.seekable.start(0)) : null;
      return from === null ? null : { from, to: dateAt(edge()) };
    },
    dateAt,
    placeOf: (date) => (startDate() === null ? null : Math.max(0, date - startDate())),
    seek(date) {
      const span = this.span();
      if (span === null || date < span.from || date > span.to) {
        return false;
      }
      video.currentTime = (date - startDate()) / 1000;
      return true;
    },
    linger() {},
    finished: () => Number.isFinite(video.duration) && video.readyState > 0,
    reload: load,
    resetDecoder: load,
    live() {
      const end = edge();
      if (end !== null) {
        video.currentTime = end;
      }
    },
    skip() {
      const begun = video.readyState > 0;
      video.currentTime += begun ? 2 : 0;
      return begun;
    },
    destroy() {
      listening.abort();
      video.removeAttribute('src');
      video.load();
    },
  };
}
