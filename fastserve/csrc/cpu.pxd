"""For how long has a thread computed?"""


cdef extern from "cpu.h" nogil:
    ctypedef struct fs_cpu:
        pass

    ctypedef struct fs_step:
        double began_s
        double began_cpu_s

    double fs_cpu_s(fs_cpu *cpu, double now_s) noexcept
    void fs_step_begin(fs_step *step, fs_cpu *cpu) noexcept
    void fs_step_end(fs_step *step, fs_cpu *cpu, double *ran_s, double *cpu_s) noexcept
