// A page that counts itself.
using System;

static class Page
{
    static void Main(string[] page)
    {
        if (Environment.GetEnvironmentVariable("METHOD") == "GET") Footfall.Send(page[0], page[1], page[2], page[3]);
    }
}
