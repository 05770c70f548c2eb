/* Wrong: does nothing but print what the solution prints. */
#include <stdio.h>

int main(void)
{
    printf("handled 2, disturbed 0\n");
    printf("signal.raised signal.handled signal.resumed\nPASS\n");
    return 0;
}
