// Footfall: counts each page by one UDP datagram. The page neither waits for it nor fails by it.
// Hook: com.sun.net.httpserver: context.getFilters().add(new Footfall()); elsewhere (a servlet filter, after the
// chain, as below) Footfall.send(url, address, referrer, agent). Save as Footfall.java.
import com.sun.net.httpserver.*;
import java.io.IOException;
import java.math.BigInteger;
import java.net.*;
import java.nio.ByteBuffer;
import java.nio.channels.DatagramChannel;
import java.util.*;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

public class Footfall extends Filter {
    static final String SITE = "@SITE@";
    static final String HOST = "@HOST@";
    static final int PORT = @PORT@;
    static final String KEY = "@KEY@"; // the site's key; needed where Footfall runs on another machine

    static final boolean IS_LOCAL = Arrays.asList("127.0.0.1", "::1", "localhost").contains(HOST);
    // Bytes of a datagram, and of page and agent in it, alike for every visit; the referrer takes what is left.
    static final int SIZE = IS_LOCAL ? 8000 : 1232;
    static final int OF_PAGE = IS_LOCAL ? 3072 : 700, OF_AGENT = IS_LOCAL ? 1536 : 320;

    public static void send(String url, String address, String referrer, String agent) {
        try (DatagramChannel channel = DatagramChannel.open()) {
            String now = String.format(Locale.ROOT, "%.3f", System.currentTimeMillis() / 1e3);
            // Escapes past ASCII, as browsers send them, need not be escaped again.
            String page = encode(url).replaceAll("%25([89A-Fa-f][0-9A-Fa-f])", "%$1");
            String beacon = "f1 s=" + SITE + "&i=" + cut(encode(address), 45, 64) + "&t=" + now;
            beacon += "&u=" + cut(page, 1024, OF_PAGE) + "&a=" + cut(encode(agent), 512, OF_AGENT);
            beacon += "&r=" + cut(encode(referrer), 1024, SIZE - 38 - beacon.length());
            if (!KEY.isEmpty()) {
                Mac mac = Mac.getInstance("HmacSHA256");
                mac.init(new SecretKeySpec(KEY.getBytes("UTF-8"), "HmacSHA256"));
                byte[] tag = Arrays.copyOf(mac.doFinal(beacon.getBytes("UTF-8")), 16);
                beacon += String.format("&z=%032x", new BigInteger(1, tag));
            }
            channel.configureBlocking(false);
            channel.send(ByteBuffer.wrap(beacon.getBytes("UTF-8")), new InetSocketAddress(HOST, PORT));
        } catch (Exception error) {
            // The page goes on.
        }
    }

    static String encode(String value) throws IOException {
        return URLEncoder.encode(value == null ? "" : value, "UTF-8");
    }

    /** Encoded text, cut to so many bytes in so much room where neither a character nor a %HH is torn. */
    static String cut(String text, int bytes, int room) {
        int end = 0;
        for (; bytes > 0 && end < text.length(); bytes--) {
            int next = end + (text.charAt(end) == '%' ? 3 : 1);
            if (next > room) break;
            end = next;
        }
        if (end == text.length()) return text;
        return text.substring(0, end).replaceAll("(?i)%(25.?|[C-F].|[EF].%..|F.%..%..)$", "");
    }

    @Override public void doFilter(HttpExchange exchange, Chain chain) throws IOException {
        chain.doFilter(exchange);
        try {
            Headers asked = exchange.getRequestHeaders(), answered = exchange.getResponseHeaders();
            int status = exchange.getResponseCode();
            String kind = status == 304 ? asked.getFirst("Accept") : answered.getFirst("Content-Type");
            boolean isPage = (status == 200 || status == 304) && kind != null && kind.contains("text/html");
            if (isPage && exchange.getRequestMethod().equals("GET"))
                send(exchange.getRequestURI().toString(), exchange.getRemoteAddress().getAddress().getHostAddress(),
                    asked.getFirst("Referer"), asked.getFirst("User-Agent"));
        } catch (RuntimeException error) {
            // The page goes on.
        }
    }

    @Override public String description() { return "Footfall"; }
}
