// Footfall: counts each page by one UDP datagram. The page neither waits for it nor fails by it.
// Hook: com.sun.net.httpserver: context.getFilters().add(new Footfall()); elsewhere (a servlet filter, after the
// chain, as below) Footfall.send(url, address, referrer, agent). Save as Footfall.java.
import com.sun.net.httpserver.*;
import java.io.IOException;
import java.math.BigInteger;
import java.net.*;
import java.util.*;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

public class Footfall extends Filter {
    static final String SITE = "@SITE@";
    static final String HOST = "@HOST@";
    static final int PORT = @PORT@;
    static final String KEY = "@KEY@"; // the site's key; needed where Footfall runs on another machine

    public static void send(String url, String address, String referrer, String agent) {
        try (DatagramSocket socket = new DatagramSocket()) {
            String now = String.format(Locale.ROOT, "%.3f", System.currentTimeMillis() / 1e3);
            String head = "f1 s=" + SITE + "&i=" + field(address, 64) + "&t=" + now;
            String tail = "&r=" + field(referrer, 200) + "&a=" + field(agent, 600);
            String beacon = head + "&u=" + field(url, 1194 - head.length() - tail.length()) + tail;
            if (!KEY.isEmpty()) {
                Mac mac = Mac.getInstance("HmacSHA256");
                mac.init(new SecretKeySpec(KEY.getBytes("UTF-8"), "HmacSHA256"));
                byte[] tag = Arrays.copyOf(mac.doFinal(beacon.getBytes("UTF-8")), 16);
                beacon += String.format("&z=%032x", new BigInteger(1, tag));
            }
            byte[] bytes = beacon.getBytes("UTF-8");
            socket.send(new DatagramPacket(bytes, bytes.length, InetAddress.getByName(HOST), PORT));
        } catch (Exception error) {
            // The page goes on.
        }
    }

    /** Encoded, and cut where no %HH is torn, so that all of it fits into a datagram of 1232 bytes. */
    static String field(String value, int size) throws IOException {
        String text = URLEncoder.encode(value == null ? "" : value, "UTF-8");
        return text.substring(0, Math.min(size, text.length())).replaceAll("%.?$", "");
    }

    @Override public void doFilter(HttpExchange exchange, Chain chain) throws IOException {
        chain.doFilter(exchange);
        Headers asked = exchange.getRequestHeaders();
        int status = exchange.getResponseCode();
        String kind = status == 304 ? asked.getFirst("Accept") : exchange.getResponseHeaders().getFirst("Content-Type");
        boolean isPage = (status == 200 || status == 304) && kind != null && kind.contains("text/html");
        if (isPage && exchange.getRequestMethod().equals("GET"))
            send(exchange.getRequestURI().toString(), exchange.getRemoteAddress().getAddress().getHostAddress(),
                asked.getFirst("Referer"), asked.getFirst("User-Agent"));
    }

    @Override public String description() { return "Footfall"; }
}
