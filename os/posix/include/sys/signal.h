/* For programs that include the BSD name. */
#include <signal.h>
