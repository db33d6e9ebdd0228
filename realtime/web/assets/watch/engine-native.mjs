// The browser's own HLS, only where there are no Media Source Extensions (iPhones
// before iOS 17.1). Chrome also claims to play HLS, but without low latency.

export function canPlayNatively(video) {
  return video.canPlayType('application/vnd.apple.mpegurl') !== '';
}

/** nativeEngine has the same shape as hlsEngine. */
export function nativeEngine(video, url, { onReady, report }) {
  const listening = new AbortController();
  const on = (type, listen) => video.addEventListener(type, listen, { signal: listening.signal });
  on('loadedmetadata', onReady);
  on('error', () => {
    const code = video.error?.code;
    report(code === MediaError.MEDIA_ERR_DECODE ? 'media' : 'network');
  });

  function load() {
    video.src = url;
    video.load();
  }
  const edge = () => (video.seekable.length ? video.seekable.end(video.seekable.length - 1) : null);
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
    playingDate() {
      const start = video.getStartDate?.().getTime();
      return Number.isFinite(start) ? start + video.currentTime * 1000 : null;
    },
    finished: () => Number.isFinite(video.duration) && video.readyState > 0,
    reload: load,
    resetDecoder: load,
    live() {
      const end = edge();
      if (end !== null) {
        video.currentTime = end;
      }
    },
    destroy() {
      listening.abort();
      video.removeAttribute('src');
      video.load();
    },
  };
}
