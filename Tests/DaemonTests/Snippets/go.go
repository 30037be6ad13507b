// One page through the handler.
package main

import (
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
)

func main() {
	page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status, _ := strconv.Atoi(os.Getenv("STATUS"))
		w.Header().Set("Content-Type", os.Getenv("TYPE"))
		w.WriteHeader(status)
	})
	r := httptest.NewRequest(os.Getenv("METHOD"), "/", nil)
	r.RequestURI = os.Args[1]
	r.RemoteAddr = net.JoinHostPort(os.Args[2], "50000")
	r.Header = http.Header{"Accept": {os.Getenv("ACCEPT")}, "Referer": {os.Args[3]}, "User-Agent": {os.Args[4]}}
	Footfall(page).ServeHTTP(httptest.NewRecorder(), r)
}
