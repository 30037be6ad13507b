/** A page that counts itself, with an address of its own and values that no HTTP server would let through. */
class Page {
    public static void main(String[] page) {
        if (System.getenv("METHOD").equals("GET")) Footfall.send(page[0], page[1], page[2], page[3]);
    }
}
