// Package chart draws the charts of a report as SVG, and is the one owner of go-chart.
//
// go-chart lays out axes and sectors, and everything that reaches the page is written by a renderer, ranges and series
// of our own. Its SVG side is not used, because it writes labels without escaping, puts every style into style
// attributes (which a strict content security policy turns black), builds a font face for each text it measures, and
// rounds every position to a whole pixel. What comes out here has classes only, so that one file follows the colours of
// the page in light, dark and print; see CSS for the variables they stand on.
//
// Rules every chart keeps:
//   - one svg element with a viewBox and no size of its own, role img, a title and a description; what lies on an axis of
//     time is in an svg of its own inside, so that a script can narrow it to a range, see within in time.go;
//   - no style attribute, no script, no link, every text escaped, every position a finite number inside the viewBox;
//   - the text of a mark's tooltip stands in data-tip, where a page's script reads it, and in a title element, which
//     browsers show by themselves; see Tips;
//   - at most six series keep a colour, the smallest of the rest are grouped as "Other";
//   - a state has a shape and a word beside its colour, see Tone; a group of points a shape; depths of colour are of one
//     hue, lighter to darker, with the value in words;
//   - at most 200 windows (100 in the narrow variant): more are put into buckets on the clock, see bucket.go, and the
//     chart says so in a corner.
//
// Charts are drawn at the size they are seen: the page gives the width, once about 1200 or 580 and once 360, and shows
// one of the two by a media query, so that text is 13 px everywhere.
//
// StandAlone and PNG write one chart as a file of its own. The raster side of go-chart draws the second from the same
// drawing and the same CSS (sheet.go), so that there is one look.
package chart
