import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.*;
import java.util.concurrent.*;

/**
 * A page that counts itself, with its own address and values that no HTTP server would accept. GATEWAY=http:
 * served by the JDK's HTTP server through the filter.
 */
class Page {
    public static void main(String[] page) throws Exception {
        if ("http".equals(System.getenv("GATEWAY"))) {
            serve(page[0], page[2], page[3]);
        } else if (System.getenv("METHOD").equals("GET")) {
            Footfall.send(page[0], page[1], page[2], page[3]);
        }
    }

    static void serve(String url, String referrer, String agent) throws Exception {
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
        server.createContext("/", Page::answer).getFilters().add(new Footfall());
        ExecutorService worker = Executors.newSingleThreadExecutor();
        server.setExecutor(worker);
        server.start();
        URL there = URI.create("http://127.0.0.1:" + server.getAddress().getPort() + url).toURL();
        HttpURLConnection client = (HttpURLConnection) there.openConnection();
        client.setRequestMethod(System.getenv("METHOD"));
        client.setRequestProperty("Accept", System.getenv("ACCEPT"));
        client.setRequestProperty("Referer", referrer);
        client.setRequestProperty("User-Agent", agent);
        boolean isRight = client.getResponseCode() == Integer.parseInt(System.getenv("STATUS"));
        worker.shutdown();
        boolean isOver = worker.awaitTermination(10, TimeUnit.SECONDS); // the filter counts after the response
        System.exit(isRight && isOver ? 0 : 1);
    }

    static void answer(HttpExchange exchange) throws IOException {
        exchange.getResponseHeaders().set("Content-Type", System.getenv("TYPE"));
        exchange.sendResponseHeaders(Integer.parseInt(System.getenv("STATUS")), -1);
        exchange.close();
    }
}
