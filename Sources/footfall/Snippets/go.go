// Footfall: counts each page by one UDP datagram. The page neither waits for it nor fails by it.
// Hook: http.ListenAndServe(":8080", Footfall(handler)). Behind a proxy put the visitor into r.RemoteAddr before.
package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
)

const footfallSite = "@SITE@"
const footfallKey = "@KEY@" // the site's key; needed where Footfall runs on another machine
var footfallTo, _ = net.ResolveUDPAddr("udp", "@HOST@:@PORT@")

var footfallSocket, _ = net.ListenUDP("udp", nil)
var footfallTorn = regexp.MustCompile("(?i)%(25.?|[C-F].|[EF].%..|F.%..%..)$")
var footfallTwice = regexp.MustCompile("(?i)%25([89A-F][0-9A-F])")

func footfallSend(page, address, referrer, agent string) {
	// Bytes of a datagram, and of page and agent in it, alike for every visit; the referrer takes what is left.
	size, ofPage, ofAgent := 1232, 700, 320
	switch strings.Trim("@HOST@", "[]") {
	case "127.0.0.1", "::1", "localhost":
		size, ofPage, ofAgent = 8000, 3072, 1536
	}
	now := float64(time.Now().UnixMicro()) / 1e6
	// Escapes past ASCII, as browsers send them, need not be escaped again.
	page = footfallTwice.ReplaceAllString(url.QueryEscape(page), "%$1")
	beacon := fmt.Sprintf("f1 s=%s&i=%s&t=%.6f", footfallSite, footfallCut(url.QueryEscape(address), 45, 64), now)
	beacon += "&u=" + footfallCut(page, 1024, ofPage) + "&a=" + footfallCut(url.QueryEscape(agent), 512, ofAgent)
	beacon += "&r=" + footfallCut(url.QueryEscape(referrer), 1024, size-38-len(beacon))
	if footfallKey != "" {
		mac := hmac.New(sha256.New, []byte(footfallKey))
		mac.Write([]byte(beacon))
		beacon += fmt.Sprintf("&z=%x", mac.Sum(nil)[:16])
	}
	footfallSocket.SetWriteDeadline(time.Now().Add(time.Millisecond))
	footfallSocket.WriteToUDP([]byte(beacon), footfallTo)
}

// Encoded text, cut to so many bytes in so much room where neither a character nor a %HH is torn.
func footfallCut(text string, bytes, room int) string {
	end := 0
	for ; bytes > 0 && end < len(text); bytes-- {
		next := end + 1
		if text[end] == '%' {
			next = end + 3
		}
		if next > room {
			break
		}
		end = next
	}
	if end == len(text) {
		return text
	}
	return footfallTorn.ReplaceAllString(text[:end], "")
}

type footfallAnswer struct {
	http.ResponseWriter
	status int
}

func (w *footfallAnswer) Unwrap() http.ResponseWriter { return w.ResponseWriter }
func (w *footfallAnswer) Flush() {
	if flusher, ok := w.ResponseWriter.(http.Flusher); ok {
		flusher.Flush()
	}
}
func (w *footfallAnswer) WriteHeader(status int) {
	if status >= 200 { // 103 Early Hints come before the answer
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func Footfall(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != "GET" || !strings.Contains(r.Header.Get("Accept"), "text/html") {
			next.ServeHTTP(w, r) // no page is asked for; event streams and WebSockets keep their own writer
			return
		}
		answer := &footfallAnswer{w, 200}
		next.ServeHTTP(answer, r)
		kind := w.Header().Get("Content-Type")
		isHTML := kind == "" || strings.HasPrefix(kind, "text/html")
		if isHTML && (answer.status == 200 || answer.status == 304) {
			address, _, _ := net.SplitHostPort(r.RemoteAddr)
			footfallSend(r.RequestURI, address, r.Referer(), r.UserAgent())
		}
	})
}
