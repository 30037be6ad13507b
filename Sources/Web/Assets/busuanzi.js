// For themes made for the counter busuanzi: its elements are filled, and the site stands in the script's URL. Runs in front of
// the widget. Visitors of all time are known to nobody here, so the total stands in their place; views must be public for the
// other one. How often one page was seen is not counted in all, and that place stays as the theme has it.
((d, s) => {
  s.dataset.site ??= new URL(s.src).searchParams.get('site') || ''
  const mark = () => {
    for (const [id, name] of [['site_pv', 'views'], ['site_uv', 'total']]) {
      const place = d.getElementById('busuanzi_value_' + id)
      const around = d.getElementById('busuanzi_container_' + id)
      if (!place || place.dataset.footfall) continue
      place.dataset.footfall = name
      // The sentence around it is shown once there is a number.
      new MutationObserver(() => { if (around) around.style.display = 'inline' }).observe(place, { childList: true })
    }
  }
  mark()
  addEventListener('DOMContentLoaded', mark)
})(document, document.currentScript);
