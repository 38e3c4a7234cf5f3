/* Runs a fuzz target once over the inputs in the directories named, without libFuzzer: any C compiler will do. */
#include <dirent.h>
#include <string.h>

#include "fuzz.h"

enum { INPUT_BYTES_MAX = 1 << 20, PATH_BYTES_MAX = 4096 };

static int replay_file(const char *path)
{
    static char input[INPUT_BYTES_MAX];
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        return -1;
    }
    size_t size = fread(input, 1, sizeof input, file);
    fclose(file);
    char *block = exact_block(size);
    memcpy(block, input, size);
    LLVMFuzzerTestOneInput((const uint8_t *)block, size);
    free(block);
    return 0;
}

/* How many inputs the directory holds, or -1. */
static long replay_directory(const char *directory)
{
    long count = 0;
    DIR *entries = opendir(directory);
    if (entries == NULL) {
        perror(directory);
        return -1;
    }
    for (struct dirent *entry; (entry = readdir(entries)) != NULL;) {
        char path[PATH_BYTES_MAX];
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
        if (replay_file(path) != 0) {
            count = -1;
            break;
        }
        count++;
    }
    closedir(entries);
    return count;
}

int main(int argc, char **argv)
{
    const char *slash = strrchr(argv[0], '/');
    for (int i = 1; i < argc; i++) {
        long count = replay_directory(argv[i]);
        if (count <= 0) {
            fprintf(stderr, "%s: no input in %s\n", argv[0], argv[i]);
            return 1;
        }
        printf("%s: %ld inputs replayed\n", slash != NULL ? slash + 1 : argv[0], count);
    }
    return argc > 1 ? 0 : 1;
}
