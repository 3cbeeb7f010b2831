// What the tests' containers run: linked statically, so that an image needs nothing else.
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

int main(int argc, char** argv) {
  const char* what = argc > 1 ? argv[1] : "sleep";
  if (!std::strcmp(what, "exit")) return std::atoi(argv[2]);
  if (!std::strcmp(what, "env")) {
    const char* v = std::getenv(argv[2]);
    std::printf("%s uid=%d\n", v ? v : "(none)", static_cast<int>(getuid()));
    return 0;
  }
  if (!std::strcmp(what, "eat")) {
    for (;;) {
      // Volatile: memory that nobody reads may not be left out by the optimizer.
      auto* p = static_cast<volatile char*>(std::malloc(1 << 20));
      for (size_t i = 0; p && i < 1 << 20; i += 4096) p[i] = 1;
    }
  }
  std::signal(SIGTERM, [](int) { _exit(5); });
  std::puts("up");
  std::fflush(stdout);
  for (;;) pause();
}
