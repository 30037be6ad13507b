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
var footfallTorn = regexp.MustCompile("%.?$")

func footfallSend(page, address, referrer, agent string) {
	field := func(value string, size int) string {
		// Encoded, and cut where no %HH is torn, so that all of it fits into a datagram of 1232 bytes.
		return footfallTorn.ReplaceAllString(fmt.Sprintf("%.*s", size, url.QueryEscape(value)), "")
	}
	head := fmt.Sprintf("f1 s=%s&i=%s&t=%.6f", footfallSite, field(address, 64), float64(time.Now().UnixMicro())/1e6)
	tail := "&r=" + field(referrer, 200) + "&a=" + field(agent, 600)
	beacon := head + "&u=" + field(page, 1194-len(head+tail)) + tail
	if footfallKey != "" {
		mac := hmac.New(sha256.New, []byte(footfallKey))
		mac.Write([]byte(beacon))
		beacon += fmt.Sprintf("&z=%x", mac.Sum(nil)[:16])
	}
	footfallSocket.WriteToUDP([]byte(beacon), footfallTo)
}

type footfallAnswer struct {
	http.ResponseWriter
	status int
}

func (w *footfallAnswer) Unwrap() http.ResponseWriter { return w.ResponseWriter }
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
